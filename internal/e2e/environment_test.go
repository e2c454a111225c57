package e2e_test

import (
	"errors"
	"strings"
	"testing"

	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
)

// A function that is set up wrongly doesn't start, and says all that is wrong at once.
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
			var fault *runtimeapi.InitError
			if !errors.As(err, &fault) {
				if err == nil {
					f.Close()
				}
				t.Fatalf("no init error but %v", err)
			}
			c.heard.add(fault.Logs, fault.Message)
			for name := range edits {
				if !strings.Contains(fault.Logs, name) {
					t.Errorf("%s is not named in:\n%s", name, fault.Logs)
				}
			}
		})
	}
}
