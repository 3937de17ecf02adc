package reliability

import "testing"

func TestHalfOpenPeer(t *testing.T) {
	t.Parallel()
	v := hold(t, HalfOpen())
	if n := lines(v.Log, "the server did not take the task's result"); n > 0 {
		t.Errorf("%d results were given up", n)
	}
}

func TestResetConnections(t *testing.T) {
	t.Parallel()
	v := hold(t, Resets())
	if n := lines(v.Log, "the server did not take the task's result"); n > 0 {
		t.Errorf("%d results were given up", n)
	}
}

func TestConnectionsCutInTheMiddle(t *testing.T) {
	t.Parallel()
	v := hold(t, CutShort())
	if n := lines(v.Log, "the server did not take the task's result"); n > 0 {
		t.Errorf("%d results were given up", n)
	}
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	noneLost(t, hold(t, Slow()))
}
