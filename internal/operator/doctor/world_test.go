package doctor_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto/deployed"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/invoke"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// world is a stack on an emulated AWS in which all is well: deployed, seeded, and run
// once.
type world struct {
	*deployed.Stack
	t     *testing.T
	boxes *sandbox.Sandbox
	home  *home.Home
	stack doctor.Stack

	wasRow     *store.Row                     // Hesabe's row
	asDeployed *scheduler.UpdateScheduleInput // Hesabe's schedule
}

const (
	prefix = deployed.Prefix
	ledger = deployed.Ledger
	moved  = deployed.Transactions
)

func newWorld(t *testing.T, parameters map[string]string) *world {
	t.Helper()
	w := &world{t: t, Stack: deployed.Start(t, "../../../template.yaml", parameters)}
	tested := w.Config()
	tested.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	clients := awshome.FromConfig(tested)
	w.home = &home.Home{
		Secrets: clients.Secrets(prefix), Ledger: clients.Ledger(ledger), Editor: clients.Editor(prefix, "", ""),
		Transactions: func(string) home.Transactions { return clients.Transactions(moved) },
	}
	w.stack = doctor.Stack{
		Config: tested, Home: w.home, Name: deployed.Name, SecretPrefix: prefix, LedgerTable: ledger, TransactionsTable: func(string) string { return moved },
		Providers: seed.Played(), Invoke: true, Now: time.Now,
	}
	var err error
	w.boxes, err = sandbox.Start(sandbox.Options{})
	w.must(err)
	t.Cleanup(w.boxes.Close)
	for _, entry := range seed.Played() {
		if entry.OwnAccounts {
			continue // the stack names none
		}
		_, err := w.home.Editor.PutCurrent(t.Context(), w.key(entry.Name), store.Credentials,
			secret.New(w.boxes.Credentials(sandbox.Provider(entry.Name))))
		w.must(err)
		_, err = w.run(entry.Name, invoke.Event{})
		w.must(err)
	}
	w.Front.Invoke = w.dryRun
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	assert.NilError(w.t, err)
}

func (w *world) key(provider string) store.Key {
	return store.Key{Provider: provider, Account: "default"}
}

// run runs a function's handler, as Lambda would.
func (w *world) run(provider string, e invoke.Event) (handler.Result, error) {
	w.t.Helper()
	entry, err := catalog.Find(provider)
	w.must(err)
	cfg, err := config.ForMachine(func(string) string { return "" })
	w.must(err)
	cfg.Accounts = []string{"default"}
	return invoke.NewHere(entry, w.home, cfg, slog.New(slog.DiscardHandler)).Invoke(w.t.Context(), e)
}

// dryRun is Lambda's answer to a dry run.
func (w *world) dryRun(path string) (string, bool) {
	for _, provider := range catalog.Names() {
		if strings.Contains(path, "-refresh-"+provider+"/") {
			result, err := w.run(provider, invoke.Event{DryRun: true})
			w.must(err)
			text, err := json.Marshal(result)
			w.must(err)
			return string(text), false
		}
	}
	w.t.Errorf("somebody invokes %s", path)
	return "", true
}

// look makes one check, and those before it.
func look(t *testing.T, checks []doctor.Check, name string) []doctor.Finding {
	t.Helper()
	var chosen []doctor.Check
	for _, c := range slices.Backward(checks) {
		if c.Name == name {
			chosen, name = append(chosen, c), c.After
		}
	}
	assert.Assert(t, len(chosen) != 0, "there is no check %q", name)
	slices.Reverse(chosen)
	return doctor.Run(t.Context(), chosen).Findings
}

// want checks that one of the findings has that verdict, and contains each of parts.
func want(t *testing.T, findings []doctor.Finding, check string, verdict doctor.Verdict, parts ...string) {
	t.Helper()
	var last error
	for _, f := range findings {
		if f.Check != check || f.Verdict != verdict {
			continue
		}
		text := f.Cause + "\n" + f.Mend + "\n" + strings.Join(f.Commands, "\n")
		last = nil
		for _, part := range parts {
			if !strings.Contains(text, part) {
				last = errors.New("does not say " + part + ":\n" + text)
			}
		}
		if last == nil {
			return
		}
	}
	t.Errorf("%s, %s: %v; found %+v", check, verdict, last, findings)
}
