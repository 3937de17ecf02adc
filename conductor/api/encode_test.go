package api

import (
	"testing"
	"time"

	"conductor-jwt/internal/secret"
)

func TestEncodeResult(t *testing.T) {
	for what, row := range map[string]struct {
		result Result
		want   string
	}{
		"the least": {
			Result{TaskID: "t", WorkflowID: "w", Status: "COMPLETED"},
			`{"taskId":"t","workflowInstanceId":"w","status":"COMPLETED","outputData":{},"callbackAfterSeconds":0}`,
		},
		"all": {
			Result{
				TaskID: "t\"", WorkflowID: "w\xff", WorkerID: "me", Status: "FAILED", Reason: "because",
				Output: secret.NewJSON([]byte(" {\"n\":12345678901234567890} \n")), CallbackAfter: 1500 * time.Millisecond,
				Logs: []Log{{Text: "a\n", At: time.UnixMilli(5)}, {Text: "b", At: time.UnixMilli(6)}},
			},
			`{"taskId":"t\"","workflowInstanceId":"w` + "\uFFFD" + `","workerId":"me","status":"FAILED","reasonForIncompletion":"because",` +
				`"outputData":{"n":12345678901234567890},"callbackAfterSeconds":2,` +
				`"logs":[{"log":"a\n","taskId":"t\"","createdTime":5},{"log":"b","taskId":"t\"","createdTime":6}]}`,
		},
	} {
		got, err := EncodeResult(row.result)
		if err != nil || string(got) != row.want {
			t.Errorf("%s: %s, %v\nwant %s", what, got, err, row.want)
		}
	}
}

func TestWholeSecondsAreRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		-time.Hour: 0, 0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, time.Minute: 60, 1<<63 - 1: 9223372037,
	} {
		if got := wholeSeconds(d); got != want {
			t.Errorf("%s is %d s, want %d", d, got, want)
		}
	}
}
