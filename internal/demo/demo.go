// Package demo shows the main job on one machine: the functions' handlers against
// the providers' sandboxes and the embedded home, two killed refreshes included.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/providers/tconnect"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
	"tokenrefresh/pkg/telemetry"
)

// VictimArgs are the arguments with which the running program calls Victim.
type VictimArgs func(path string, ahead time.Duration, moment Moment) []string

// Run tells the story to out. It leaves nothing behind. An error means that the
// story did not end as it has to.
func Run(ctx context.Context, out io.Writer, victimArgs VictimArgs) error {
	dir, err := os.MkdirTemp("", "token-refresh-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &story{
		path: filepath.Join(dir, "state.db"), victimArgs: victimArgs,
		out: out, table: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0),
	}
	s.sandbox, err = sandbox.Start(sandbox.Options{Now: s.clock.now}) //nolint:contextcheck // it runs until Close
	if err != nil {
		return err
	}
	defer s.sandbox.Close()
	if err := s.provision(ctx); err != nil {
		return err
	}
	return s.tell(ctx)
}

// account is the one that the story is about.
const account = "default"

type story struct {
	path       string
	victimArgs VictimArgs
	out        io.Writer
	table      *tabwriter.Writer
	clock      clock
	sandbox    *sandbox.Sandbox
	home       *embedded.Home
	functions  map[string]function

	transactions []int64 // of Berbix
}

// function is a lambda.Handler.
type function interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// provision does what a deployment and a person do: it makes the secrets and puts
// the credentials in.
func (s *story) provision(ctx context.Context) error {
	var err error
	if s.home, err = embedded.Open(ctx, s.path); err != nil {
		return err
	}
	for _, provider := range []sandbox.Provider{sandbox.Hesabe, sandbox.TConnect, sandbox.Berbix, sandbox.OAuth2} {
		key := store.Key{Provider: string(provider), Account: account}
		for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
			if err := s.home.Secrets().CreateSecret(ctx, key, doc); err != nil {
				return err
			}
		}
		credentials := secret.New(s.sandbox.Credentials(provider))
		if _, err := s.home.Secrets().PutCurrent(ctx, key, store.Credentials, credentials); err != nil {
			return err
		}
	}
	client := exchange.New(exchange.Options{Now: s.clock.now})
	s.functions = map[string]function{
		"hesabe":   newRefresh(hesabe.New(client, "sandbox"), s.home, s.clock.now),
		"tconnect": newRefresh(tconnect.New(client, "sandbox"), s.home, s.clock.now),
		"oauth2":   newRefresh(oauth2.New(client, "sandbox"), s.home, s.clock.now),
		"berbix":   newSweep(berbix.New(client, "sandbox"), s.home, s.clock.now),
	}
	return nil
}

func newRefresh(provider providers.Provider, home *embedded.Home, now func() time.Time) *handler.Refresh {
	return &handler.Refresh{
		Engine: refresh.Engine{
			Provider: provider, Secrets: home.Secrets(), Ledger: home.Ledger(), Accounts: []string{account},
			NewID: uuid.NewString, Now: now,
		}.WithDefaults(),
		Reporter: handler.Reporter{NewRunID: uuid.NewString, Log: telemetry.NewLogger(io.Discard, 0), Namespace: "TokenRefresh"},
	}
}

func newSweep(provider providers.Provider, home *embedded.Home, now func() time.Time) *handler.Sweep {
	return &handler.Sweep{
		Engine: sweep.Engine{
			Provider: provider, Secrets: home.Secrets(), Ledger: home.Ledger(), Transactions: home.Transactions(),
			Accounts: []string{account}, Now: now,
		}.WithDefaults(),
		Reporter: handler.Reporter{NewRunID: uuid.NewString, Log: telemetry.NewLogger(io.Discard, 0), Namespace: "TokenRefresh"},
	}
}

// invoke calls a function at a moment of the story and writes a row. want is how
// the story has to go on.
func (s *story) invoke(ctx context.Context, at time.Duration, name, event string, want outcome.Outcome, what string) error {
	s.clock.set(at)
	answer, err := s.functions[name].Invoke(ctx, []byte(event))
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, event, err)
	}
	var result handler.Result
	if err := json.Unmarshal(answer, &result); err != nil {
		return err
	}
	s.row(at, name, event, counted(result.Outcomes), what)
	if result.Outcomes[want] == 0 {
		return fmt.Errorf("%s %s: %s, but it should have been %s: %s", name, event, counted(result.Outcomes), want, answer)
	}
	return nil
}

// kill runs a victim and writes a row.
func (s *story) kill(ctx context.Context, at time.Duration, moment Moment, what string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	victim := exec.CommandContext(ctx, self, s.victimArgs(s.path, at, moment)...)
	var said strings.Builder
	victim.Stderr = &said
	var exit *exec.ExitError
	// One that ends by itself says why. Windows has no signal that would tell.
	if err := victim.Run(); !errors.As(err, &exit) || said.Len() > 0 {
		return fmt.Errorf("the victim was not killed: %w: %s", err, said.String())
	}
	s.row(at, "hesabe", `{"force":true}`, "killed", what)
	return nil
}

func (s *story) row(at time.Duration, name, event, outcomes, what string) {
	_, _ = fmt.Fprintf(s.table, "  %02d:%02d\t%s\t%s\t%s\t%s\n", int(at.Hours()), int(at.Minutes())%60, name, event, outcomes, what)
}

func counted(outcomes map[outcome.Outcome]int) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(outcomes)) {
		if n := outcomes[what]; n > 1 {
			all = append(all, fmt.Sprintf("%s %d", what, n))
		} else {
			all = append(all, string(what))
		}
	}
	return strings.Join(all, ", ")
}
