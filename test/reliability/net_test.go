package reliability

import "testing"

func TestHalfOpenPeer(t *testing.T) {
	t.Parallel()
	v := hold(t, HalfOpen())
	resultsKept(t, v)
}

func TestResetConnections(t *testing.T) {
	t.Parallel()
	v := hold(t, Resets())
	resultsKept(t, v)
}

func TestConnectionsCutInTheMiddle(t *testing.T) {
	t.Parallel()
	v := hold(t, CutShort())
	resultsKept(t, v)
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	noneLost(t, hold(t, Slow()))
}
