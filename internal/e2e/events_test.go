package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/samples"
	"tokenrefresh/internal/sandbox"
)

// Every file of events/ does what it is there for.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"OAuth2Accounts": defaultAccount})
	for _, entry := range seed.Played() {
		t.Run(entry.Name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(root, "events", "refresh-"+entry.Name)
			c := w.credential(t, sandbox.Provider(entry.Name), defaultAccount, sandbox.Options{})
			if entry.OwnAccounts {
				w.aws.CreateSecrets(t, c.deployed.Environment["SECRET_PREFIX"], entry.Name, defaultAccount)
			}
			c.seed(t, nil)
			f := c.start(t)
			for _, s := range samples.Of(entry.Name) {
				text, err := os.ReadFile(filepath.Join(dir, s.File))
				assert.NilError(t, err)
				f.wantCounts(t, string(text), s.Outcomes)
			}
		})
	}
}

// An event that is not as documented is refused with a message that names the
// field, and the function lives on.
func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	common := map[string]string{
		`{"froce":true}`:        `"froce"`,
		`{"force":"yes"}`:       `"force"`,
		`{"dry_run":1}`:         `"dry_run"`,
		`{"account":7}`:         `"account"`,
		`{"account":"a/b"}`:     `"account"`,
		`[]`:                    "must be a JSON object",
		`"tick"`:                "must be a JSON object",
		`{"x":1,"force":"yes"}`: `"x"`,
	}
	for p, further := range map[sandbox.Provider]map[string]string{
		sandbox.Hesabe:   {`{"transaction_id":1}`: `"transaction_id"`, `{"record":[]}`: `"record"`},
		sandbox.TConnect: {`{"transaction_id":1}`: `"transaction_id"`, `{"record":[]}`: `"record"`},
		sandbox.Berbix: {
			`{"transaction_id":"12"}`: `"transaction_id"`,
			`{"transaction_id":1.5}`:  `"transaction_id"`,
			`{"transaction_id":-1}`:   `"transaction_id"`,
			`{"record":[]}`:           `"record"`,
			`{"transaction_ids":[]}`:  `"transaction_ids"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s"},{"refresh_token":"%[1]s"}]}`:  `record[1] field "transaction_id"`,
			`{"record":[{"transaction_id":1}]}`:                                                 `record[0] field "refresh_token"`,
			`{"record":[{"transaction_id":1,"refresh_token":["%s"]}]}`:                          `record[0] field "refresh_token"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s","state":"%[1]s"}]}`:            `record[0] field "state"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s","status":"%[1]s"}]}`:           `record[0] field "status"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s","recorded_at":"%[1]s"}]}`:      `record[0] field "recorded_at"`,
			`{"record":[{"transaction_id":1,"refresh_token":"%s"}],"force":true}`:               `"record"`,
			`{"Records":[{"eventSource":"aws:s3","messageId":"1","body":"{}"}],"account":"%s"}`: `"Records[0]"`,
		},
	} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			c := w.credential(t, p, defaultAccount, sandbox.Options{})
			c.seed(t, nil)
			f := c.start(t)
			token := c.sandbox.Issue(p).RefreshToken
			for _, cases := range []map[string]string{common, further} {
				for event, want := range cases {
					if strings.Contains(event, "%") {
						event = fmt.Sprintf(event, token)
					}
					if fault := f.fail(t, event); !strings.Contains(fault.Message, want) {
						t.Errorf("%s: %s, want %s named", event, fault.Message, want)
					}
				}
			}
			if n := f.Starts(); n != 1 {
				t.Errorf("the function was started %d times", n)
			}
			checkCalls(t, c, 0, 0)
			if calls := f.wire.clear(); len(calls) != 0 {
				t.Errorf("calls to AWS: %v", calls)
			}
		})
	}
}
