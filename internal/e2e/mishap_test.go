package e2e_test

import (
	"net/http"
	"net/http/httptest"
)

// failureKind is a way in which a call to AWS fails and the function lives on.
type failureKind struct {
	name   string
	mishap mishap
	acts   bool // AWS does what was asked nevertheless
}

var failures = []failureKind{
	{"refused", refused, false}, {"throttled", throttled, false}, {"dropped", dropped, false}, {"unanswered", unanswered, true},
}

// refused: AWS is in trouble and does nothing.
func refused(carry) *httptest.ResponseRecorder {
	return awsError(http.StatusInternalServerError, "InternalServiceError")
}

// throttled: AWS does nothing.
func throttled(carry) *httptest.ResponseRecorder {
	return awsError(http.StatusBadRequest, "ThrottlingException")
}

// dropped: the call doesn't reach AWS.
func dropped(carry) *httptest.ResponseRecorder { return nil }

// unanswered: AWS does it, and nobody hears.
func unanswered(do carry) *httptest.ResponseRecorder {
	do()
	return nil
}

func awsError(status int, kind string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer.Code = status
	_, _ = answer.Body.WriteString(`{"__type":"` + kind + `"}`)
	return answer
}

// death is a way in which the function's process dies while it calls AWS.
type death struct {
	name   string
	mishap func(f *function) mishap
}

var (
	// done: AWS has done it, and nobody hears.
	done = death{"done", func(f *function) mishap {
		return func(do carry) *httptest.ResponseRecorder {
			do()
			f.Kill()
			return nil
		}
	}}
	// late: the call is on its way. AWS does it long after (wire.deliver).
	late = death{"late", func(f *function) mishap {
		return func(do carry) *httptest.ResponseRecorder {
			f.wire.park(do)
			f.Kill()
			return nil
		}
	}}
	// unsent: the call doesn't reach AWS.
	unsent = death{"unsent", func(f *function) mishap {
		return func(carry) *httptest.ResponseRecorder {
			f.Kill()
			return nil
		}
	}}
)

var deaths = []death{done, late, unsent}
