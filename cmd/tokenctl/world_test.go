package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// world is a home that a test works on, through the command and beside it.
type world struct {
	*home.Home
	flags []string
}

// run runs the command on the home.
func (w *world) run(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	return tokenctl(t, stdin, append(args, w.flags...)...)
}

func (w *world) row(t *testing.T, provider, account string) (store.Row, bool) {
	t.Helper()
	row, exists, err := w.Ledger.Row(t.Context(), store.Key{Provider: provider, Account: account})
	assert.NilError(t, err)
	return row, exists
}

// hasRow checks that the ledger has a row of an account, or has none.
func (w *world) hasRow(t *testing.T, provider, account string, want bool) {
	t.Helper()
	_, exists := w.row(t, provider, account)
	assert.Check(t, exists == want, "there is a row of %s/%s: %t", provider, account, exists)
}

// named are the flags that name the home in printed commands.
func (w *world) named() string {
	if len(w.flags) > 0 {
		return strings.Join(w.flags, " ")
	}
	return "--secret-prefix " + os.Getenv("SECRET_PREFIX") + " --endpoint-url " + os.Getenv("AWS_ENDPOINT_URL")
}

// embeddedWorld is a new state file.
func embeddedWorld(t *testing.T) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	h, err := home.Open(t.Context(), home.Options{Kind: home.Embedded, State: path})
	assert.NilError(t, err)
	return &world{h, []string{"--home", "embedded", "--state", path}}
}

// inHomes runs a test on an embedded home and on an emulated AWS, with tables and without secrets.
// The command gets its AWS from variables, as people set them.
func inHomes(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		test(t, embeddedWorld(t))
	})
	t.Run("aws", func(t *testing.T) {
		test(t, awsWorld(t))
	})
}

// awsWorld is an emulated AWS with tables and without secrets.
func awsWorld(t *testing.T) *world {
	t.Helper()
	aws := moto.Start(t)
	prefix := moto.NewName("tokenctl")
	for _, variable := range aws.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	t.Setenv("LEDGER_TABLE", aws.CreateLedger(t))
	t.Setenv("TRANSACTIONS_TABLE", aws.CreateTransactions(t))
	t.Setenv("SECRET_PREFIX", prefix)
	for _, provider := range catalog.All() {
		if provider.Sweep && provider.Table == "" { // its table is found by --table-prefix alone
			aws.CreateTransactionsAs(t, defaultPrefix+"-"+provider.TransactionsTable())
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	h, err := home.Open(t.Context(), home.Options{
		Kind: home.AWS, SecretPrefix: prefix, LedgerTable: os.Getenv("LEDGER_TABLE"), TransactionsTable: os.Getenv("TRANSACTIONS_TABLE"),
	})
	assert.NilError(t, err)
	return &world{h, nil}
}

// answering is a server that answers calls to AWS.
func answering(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	aws := httptest.NewServer(answer)
	t.Cleanup(aws.Close)
	return aws.URL
}

// onAWS lets variables name the AWS at an address, and no other home.
func onAWS(t *testing.T, address string) {
	t.Helper()
	bare(t)
	setenv(t, map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": address,
		"AWS_EC2_METADATA_DISABLED": "true",
	})
}

// bare removes the variables about homes from the environment.
func bare(t *testing.T) {
	t.Helper()
	for _, name := range []string{"TOKENCTL_HOME", "TOKENCTL_STATE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "SECRET_PREFIX"} {
		t.Setenv(name, "") // and afterwards as before
		assert.NilError(t, os.Unsetenv(name))
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
}

func setenv(t *testing.T, variables map[string]string) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// scene is a home with the credentials of simulated providers.
type scene struct {
	*world
	*sandbox.Sandbox
}

// provision starts the providers and seeds their credentials.
func (w *world) provision(t *testing.T, providers ...sandbox.Provider) *scene {
	t.Helper()
	providersHere, err := sandbox.Start(sandbox.Options{})
	assert.NilError(t, err)
	t.Cleanup(providersHere.Close)
	s := &scene{w, providersHere}
	for _, p := range providers {
		s.run(t, s.Credentials(p), "seed", "credentials", "--provider", string(p)).want(t, exitDone)
	}
	return s
}

// run runs the command, and checks that its output shows none of the providers' secrets.
func (s *scene) run(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	told := s.world.run(t, stdin, args...)
	s.quiet(t, told.out, told.err)
	return told
}

// quiet checks that texts show no secret.
func (s *scene) quiet(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, secret := range s.Secrets() {
			assert.Assert(t, !strings.Contains(text, secret), "a secret is shown in:\n%s", text)
		}
	}
}

// published checks that a chain has a published access token, and that it is good.
func (s *scene) published(t *testing.T, p sandbox.Provider) {
	t.Helper()
	document := s.current(t, string(p), "default", store.AccessDoc)
	_, rest, _ := strings.Cut(document, `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	assert.Check(t, s.Valid(p, token), "the published access token of %s is not valid", p)
	n := s.Stats(p).Repeated
	assert.Check(t, n <= 0, "%s saw %d refresh tokens twice", p, n)
}
