package e2e_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
)

// A function whose environment is wrong stays alive, and tells each caller and its log all
// mistakes at once.
func TestWrongEnvironment(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	common := map[string]string{
		"SECRET_PREFIX":        "no spaces",
		"ACCOUNTS":             "default,a/b",
		"LEDGER_TABLE":         "", // not set
		"PROVIDER_ENVIRONMENT": "test",
		"HTTP_TIMEOUT":         "10",
		"LOG_LEVEL":            "loud",
		"SCHEDULE_RATE":        "each minute",
		"EVENT_BUS":            "no spaces",
		"AWS_ENDPOINT_URL":     "localhost",
	}
	more := map[sandbox.Provider]map[string]string{
		sandbox.Hesabe:   nil,
		sandbox.TConnect: nil,
		sandbox.Berbix:   {"TRANSACTIONS_TABLE": "", "SWEEP_WORKERS": "none"},
	}
	for provider, further := range more {
		t.Run(string(provider), func(t *testing.T) {
			t.Parallel()
			edits := map[string]string{}
			for _, wrong := range []map[string]string{common, further} {
				for name, value := range wrong {
					edits[name] = value
				}
			}
			c := w.credential(t, provider, "none", sandbox.Options{})
			f, err := runtimeapi.Start(t.Context(), c.options(t, w.aws.URL, edits))
			assert.NilError(t, err)
			t.Cleanup(f.Close)
			c.heard.listen(f.Logs)
			for n := range 2 {
				response, err := f.Invoke(t.Context(), []byte(`{}`))
				assert.NilError(t, err)
				fault := response.FunctionError
				assert.Assert(t, fault != nil && fault.Type == "EnvironmentError",
					"invocation %d: answer %s, function error %v", n, response.Payload, fault)
				for name := range edits {
					assert.Check(t, strings.Contains(fault.Message, name),
						"invocation %d: %s is not named in:\n%s", n, name, fault.Message)
				}
			}
			for name := range edits {
				if lines := strings.Count(f.Logs(), "the environment is wrong"); lines != 2 || !strings.Contains(f.Logs(), name) {
					t.Errorf("%d log lines, or %s is not named in:\n%s", lines, name, f.Logs())
				}
			}
			n := f.Starts()
			assert.Check(t, n == 1, "the function was started %d times", n)
		})
	}
}
