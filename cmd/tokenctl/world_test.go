package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
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
