package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/home"
)

// asking are all verbs that call AWS at once.
var asking = map[string][]string{
	"status":        {"status"},
	"refresh":       {"refresh", "--provider", "hesabe"},
	"all":           {"refresh"},
	"one account":   {"refresh", "--provider", "hesabe", "--account", "default"},
	"a function":    {"refresh", "--function", "token-refresh-refresh-hesabe"},
	"a transaction": {"record", "--transaction-id", "7", "--status", "completed"},
	"credentials":   {"seed", "credentials", "--provider", "hesabe"},
	"tokens":        {"seed", "tokens", "--provider", "hesabe"},
	"pause":         {"pause", "--provider", "hesabe"},
	"resolve":       {"resolve", "discard", "--provider", "hesabe"},
	"remove":        {"remove", "--provider", "hesabe", "--account", "shop-2", "--yes"},
	"token":         {"token", "--provider", "hesabe"},
	"exec":          {"exec", "--provider", "hesabe", "--", "true"},
	"doctor":        {"doctor"},
}

// typed is a verb's input.
func typed(verb string) string {
	switch verb {
	case "credentials":
		return hesabeCredentials
	case "tokens":
		return planted
	}
	return ""
}

// refusing is an AWS that answers every call with an error, some hours ahead.
func refusing(t *testing.T, code string, ahead time.Duration) string {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		body := fmt.Sprintf(`{"__type":%q,"message":"said by AWS"}`, code)
		if r.Header.Get("X-Amz-Target") == "" && r.Method == http.MethodPost && r.URL.Path == "/" { // of STS
			body = fmt.Sprintf(`<ErrorResponse><Error><Code>%s</Code><Message>said by AWS</Message></Error></ErrorResponse>`, code)
		}
		w.Header().Set("X-Amzn-Errortype", code)
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10)) // as DynamoDB does
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(body))
	})
}

// For keys that AWS refuses, every verb has the doctor's message, and nothing else.
func TestEveryVerbExplainsKeys(t *testing.T) {
	sso := write(t, "config", "[profile sso]\nregion = eu-west-1\nsso_start_url = https://x.example\nsso_region = eu-west-1\n"+
		"sso_account_id = 123456789012\nsso_role_name = r\n")
	for name, tt := range map[string]struct {
		env  map[string]string
		says []string
	}{
		"expired": {
			map[string]string{"AWS_ENDPOINT_URL": refusing(t, "ExpiredTokenException", 0)},
			[]string{"AWS refuses your keys: ExpiredTokenException", "or renew it: aws configure list or aws sso login"},
		},
		"revoked": {
			map[string]string{"AWS_ENDPOINT_URL": refusing(t, "UnrecognizedClientException", 0)},
			[]string{"AWS refuses your keys: UnrecognizedClientException"},
		},
		"a wrong clock": {
			map[string]string{"AWS_ENDPOINT_URL": refusing(t, "InvalidSignatureException", time.Hour)},
			[]string{"clock is ", "set-ntp true"},
		},
		"none": {
			map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
			[]string{"there are no AWS credentials that work", "AWS_PROFILE"},
		},
		"an SSO session that has ended": {map[string]string{
			"AWS_PROFILE": "sso", "AWS_CONFIG_FILE": sso, "HOME": t.TempDir(), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
		}, []string{"there are no AWS credentials that work", "SSO"}},
	} {
		for verb, args := range asking {
			if name == "a wrong clock" && verb != "status" && verb != "doctor" { // with which the SDK tries again, after a second
				continue
			}
			t.Run(name+", "+verb, func(t *testing.T) {
				onAWS(t, "")
				t.Setenv("TOKENCTL_HOME", "aws")
				setenv(t, tt.env)
				got := tokenctl(t, typed(verb), args...)
				got.want(t, exitPerson, tt.says...)
				if strings.Contains(got.err, "operation error") && name != "none" && !strings.Contains(name, "SSO") {
					t.Errorf("the SDK speaks:\n%s", got.err)
				}
			})
		}
	}
}

// If a table is not in the region or account of the call, no message advises creating or restoring
// it.
func TestEveryVerbExplainsAMissingTable(t *testing.T) {
	w := awsWorld(t)
	w.provision(t)
	t.Setenv("LEDGER_TABLE", "")
	for verb, args := range asking {
		if verb == "a function" || verb == "a transaction" || verb == "token" || verb == "exec" || verb == "doctor" {
			continue // which don't need the ledger, or have a test of their own
		}
		t.Run(verb, func(t *testing.T) {
			got := w.run(t, typed(verb), append(args, "--table-prefix", "other")...)
			got.want(t, exitPerson, `"other-ledger"`, "region eu-west-1", "--region", "--table-prefix")
			all := got.out + got.err
			for _, harm := range []string{"restore", "deploy the stack that makes it", "CreateState", "create-table"} {
				assert.Check(t, !strings.Contains(all, harm), "it advises %q:\n%s", harm, all)
			}
			n := strings.Count(all, "there is no such table")
			assert.Check(t, n == 1, "it says so %d times:\n%s", n, all)
		})
	}
}

// A command that waits for AWS names the call, and one that cannot reach AWS says so.
func TestSlowAWS(t *testing.T) {
	told := make(chan string, 1)
	onAWS(t, answering(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case line := <-told:
			told <- line
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	watch := &home.Watch{After: time.Millisecond, Say: func(line string) { told <- line }}
	h, err := home.Open(ctx, home.Options{Kind: home.AWS, SecretPrefix: "p", LedgerTable: "l", Watch: watch})
	assert.NilError(t, err)
	_, _, err = h.Ledger.Row(ctx, hesabeKey)
	assert.Check(t, err != nil, "no error")
	if line := <-told; !strings.HasPrefix(line, "waiting for AWS: DynamoDB in eu-west-1 has not answered for 1ms") {
		t.Errorf("%q", line)
	}
	if trouble := watch.Trouble(); trouble == nil || !trouble.Passing || codeOf(trouble, true) != exitFailed ||
		!strings.Contains(trouble.Error(), "AWS cannot be reached in region eu-west-1") {
		t.Errorf("%v", trouble)
	}
}
