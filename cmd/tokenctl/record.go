package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/records"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

const (
	// awsWorkers stay below the writes a second of a new table.
	awsWorkers = 32
	// maxWorkers is the number for a state file: workers share its syncs to disk, so more are
	// faster.
	maxWorkers = 256
)

// recording are the flags of record.
type recording struct {
	provider                   string
	id                         int64
	uid, status, account, file string
	format                     string
	workers                    int
	restart                    bool
}

func record(o *options) *cobra.Command {
	var r recording
	cmd := &cobra.Command{
		Use:   "record {--transaction-id ID | --file F}",
		Short: "Record Berbix transactions to keep fresh, or their end",
		Long: `Record stores one transaction, whose refresh token it reads from standard input (bare, or as
{"refresh_token":"…"}) or asks for, or a file of them, a line each:

  JSON lines  {"transaction_id":1234567890123,"refresh_token":"…","customer_uid":"…"}
  CSV         the same names as a header, commas between cells

More fields: account, status (active, completed, deleted), recorded_at (RFC 3339), ttl (seconds since 1970).
The later recorded_at wins; without one a record counts as of the moment when the file was begun, and the
lines of a file count in their order. Recording a file twice harms nothing.

A line that is wrong is told of and passed over (exit code 4). How far a file has come is kept beside it, in
F.progress, without secrets: after an interrupt or a failure the same command goes on where it stopped.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&r.provider, "provider", catalog.Sweeps()[0], "the provider of the transactions")
	complete(cmd, "provider", catalog.Sweeps()...)
	flags.Int64Var(&r.id, "transaction-id", 0, "the `ID` of the one transaction")
	flags.StringVar(&r.uid, "customer-uid", "", "its customer")
	flags.StringVar(&r.status, "status", "", "its status: active, completed or deleted")
	flags.StringVar(&r.account, "account", "", "the account, of records that name none; empty: as stored, or default")
	flags.StringVar(&r.file, "file", "", "record the lines of `FILE`; - is standard input")
	flags.StringVar(&r.format, "format", "", "of the file: jsonl or csv; empty: by its name, jsonl of standard input")
	flags.IntVar(&r.workers, "workers", 0,
		fmt.Sprintf("records to store at once, up to %[1]d; 0: %[2]d on AWS, %[1]d on a file", maxWorkers, awsWorkers))
	flags.BoolVar(&r.restart, "restart", false, "begin the file again, whatever was recorded of it before")
	cmd.MarkFlagsOneRequired("transaction-id", "file")
	cmd.MarkFlagsMutuallyExclusive("transaction-id", "file")
	for _, flag := range []string{"customer-uid", "status"} {
		cmd.MarkFlagsMutuallyExclusive(flag, "file")
	}
	complete(cmd, "status", "active", "completed", "deleted")
	complete(cmd, "format", string(records.JSONLines), string(records.CSV))
	o.completeAccounts(cmd, catalog.Sweeps()...)
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		if r.account != "" {
			if err := validAccount(r.account); err != nil {
				return err
			}
		}
		if r.workers < 0 || r.workers > maxWorkers {
			return fmt.Errorf("%w: --workers must be from 0 to %d", errUsage, maxWorkers)
		}
		if r.workers == 0 {
			r.workers = awsWorkers
			if o.home == string(home.Embedded) {
				r.workers = maxWorkers
			}
		}
		if r.file != "" {
			return r.many(cmd, o)
		}
		return r.one(cmd, o)
	})
	return cmd
}

// engine records into a home.
func (r *recording) engine(h *home.Home) (*sweep.Engine, error) {
	entry, err := catalog.FindSweep(r.provider)
	if err != nil {
		return nil, fmt.Errorf("%w: --provider: %w", errUsage, err)
	}
	return sweep.Engine{
		Provider: entry.New(exchange.New(exchange.Options{}), "production"), Secrets: h.Secrets, Ledger: h.Ledger,
		Transactions: h.Transactions(entry.Name), Accounts: []string{"default"}, Workers: r.workers,
	}.WithDefaults(), nil
}

// one records the transaction that the flags describe.
func (r *recording) one(cmd *cobra.Command, o *options) error {
	all := map[string]any{"transaction_id": r.id}
	for name, value := range map[string]string{"customer_uid": r.uid, "status": r.status} {
		if value != "" {
			all[name] = value
		}
	}
	if cmp.Or(r.status, string(store.StatusActive)) == string(store.StatusActive) {
		token, err := r.token(cmd)
		if err != nil {
			return err
		}
		all["refresh_token"] = token.Reveal()
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	e, err := event.DecodeRecord(text)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	h, err := o.open(cmd.Context(), home.Options{})
	if err != nil {
		return err
	}
	engine, err := r.engine(h)
	if err != nil {
		return err
	}
	result := engine.Record(cmd.Context(), []sweep.Record{{
		TransactionID: e.TransactionID, Account: r.account, RefreshToken: e.RefreshToken, CustomerUID: e.CustomerUID,
		Status: store.Status(e.Status),
	}})[0]
	if result.Err != nil {
		return result.Err
	}
	said := fmt.Sprintf("transaction %d: %s", r.id, result.Outcome)
	if result.Outcome == outcome.Superseded {
		said += ": a later record stands"
	}
	return o.print(cmd, map[string]any{"transaction_id": r.id, "outcome": result.Outcome}, said)
}

// token reads the refresh token.
func (r *recording) token(cmd *cobra.Command) (secret.String, error) {
	var text secret.String
	var err error
	if terminal.Is(cmd.InOrStdin()) {
		text, err = seed.AskTokens(person{cmd})
	} else {
		text, err = readText(cmd, "")
	}
	if err != nil {
		return secret.String{}, err
	}
	given, err := seed.ParseToken(text)
	if err == nil && len(given.Unknown) > 0 {
		names := strings.Join(seed.ShownAll(given.Unknown), ", ")
		err = fmt.Errorf("beside the refresh token there is %s: a whole record is for --file", names)
	}
	if err != nil {
		return secret.String{}, fmt.Errorf("%w: %w", errUsage, err)
	}
	return given.RefreshToken, nil
}

// many records a file.
func (r *recording) many(cmd *cobra.Command, o *options) error {
	in, file, err := r.input(cmd)
	if err != nil {
		return err
	}
	defer file.close()
	h, err := o.open(cmd.Context(), home.Options{Connections: r.workers})
	if err != nil {
		return err
	}
	engine, err := r.engine(h)
	if err != nil {
		return err
	}
	recorder, err := records.NewAccounts(cmd.Context(), engine)
	if err != nil {
		return err
	}
	bar := terminal.NewBar(cmd.ErrOrStderr(), "recording", file.size)
	loader := records.Loader{
		Recorder: recorder, Account: r.account, Target: h.Name + " account " + cmp.Or(r.account, "(none)"),
		Refused: func(line int, err error) { bar.Say("line %d: %v", line, err) },
		Moved:   bar.Set,
	}
	summary, err := loader.Load(cmd.Context(), in)
	bar.End()
	if err != nil {
		return err
	}
	said := fmt.Sprintf("lines %d to %d: %d recorded, %d superseded by a later record, %d refused, %d not stored",
		summary.From, summary.Line, summary.Recorded, summary.Superseded, summary.Refused, summary.Failed)
	if err := o.print(cmd, summary, said); err != nil {
		return err
	}
	return partly(summary.Refused, summary.Failed)
}

// input opens the file.
func (r *recording) input(cmd *cobra.Command) (in records.Input, file text, err error) {
	in = records.Input{Format: records.Format(r.format), Restart: r.restart}
	if in.Format == "" && r.file != "-" {
		if in.Format, err = records.FormatOf(r.file); err != nil {
			return in, file, fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	in.Format = cmp.Or(in.Format, records.JSONLines)
	file, err = openText(cmd, r.file)
	in.Text, in.Progress = file.Reader, file.progress
	return in, file, err
}
