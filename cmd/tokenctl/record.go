package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/records"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

const (
	// awsWorkers stay below the writes a second of a new table.
	awsWorkers = 32
	// fileWorkers are more: they share a state file's syncs to disk.
	fileWorkers = 256
)

// recording are the flags of record.
type recording struct {
	loading
	provider     catalog.Entry
	id           int64
	uid, account string
	status       store.Status
	format       records.Format
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
	r.loading = loading{doing: "recording", stored: "recorded", passed: "superseded", because: " by a later record"}
	r.register(cmd, "record the lines of `FILE`")
	sweepFlag(cmd, o, &r.provider, "the provider of the transactions")
	o.flag(cmd, "transaction-id", "", "the `ID` of the one transaction", id(&r.id))
	flags.StringVar(&r.uid, "customer-uid", "", "its customer")
	o.flag(cmd, "status", store.StatusActive, "its status: active, completed or deleted",
		choice(&r.status, store.StatusActive, store.StatusCompleted, store.StatusDeleted))
	o.account(cmd, &r.account, "", "the account, of records that name none; empty: as stored, or default",
		catalog.NamesOf(sweeps)...)
	o.flag(cmd, "format", "", "of the file: jsonl or csv; empty: by its name, jsonl of standard input",
		choice(&r.format, records.JSONLines, records.CSV))
	cmd.MarkFlagsOneRequired("transaction-id", "file")
	cmd.MarkFlagsMutuallyExclusive("transaction-id", "file")
	for _, flag := range []string{"customer-uid", "status"} {
		cmd.MarkFlagsMutuallyExclusive(flag, "file")
	}
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		if r.file != "" {
			return r.many(cmd, o)
		}
		return r.one(cmd, o)
	})
	return cmd
}

// sweeper is the engine of transactions on a home.
func (o *options) sweeper(h *home.Home, provider catalog.Entry) *sweep.Engine {
	workers := awsWorkers
	if o.home == home.Embedded {
		workers = fileWorkers
	}
	return sweep.Engine{
		Provider: provider.Client("production"), Secrets: h.Secrets, Ledger: h.Ledger,
		Transactions: h.Transactions(provider.Name), Accounts: []string{defaultAccount}, Workers: workers,
	}.WithDefaults()
}

// one records the transaction that the flags describe.
func (r *recording) one(cmd *cobra.Command, o *options) error {
	all := map[string]any{"transaction_id": r.id, "status": r.status}
	if r.uid != "" {
		all["customer_uid"] = r.uid
	}
	if r.status == store.StatusActive {
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
	result := o.sweeper(h, r.provider).Record(cmd.Context(), []sweep.Record{{
		TransactionID: e.TransactionID, Account: r.account, RefreshToken: e.RefreshToken, CustomerUID: e.CustomerUID,
		Status: r.status,
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
		text, err = seed.AskTokens(cmd.Context(), person(cmd))
	} else {
		text, err = readText(cmd, "")
	}
	if err != nil {
		return secret.String{}, err
	}
	given, _, err := seed.ParseToken(text)
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
	if r.format == "" && r.file != "-" {
		var err error
		if r.format, err = records.FormatOf(r.file); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	in, err := openText(cmd, r.file)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	h, err := o.open(cmd.Context(), home.Options{Connections: awsWorkers})
	if err != nil {
		return err
	}
	recorder, err := records.Accounts(cmd.Context(), o.sweeper(h, r.provider))
	if err != nil {
		return err
	}
	lines := records.Load(recorder, cmp.Or(r.format, records.JSONLines), r.account)
	lines.Target = h.Name + " account " + cmp.Or(r.account, "(none)")
	_, err = load(cmd, o, &r.loading, in, lines)
	return err
}

// loading are the flags of the verbs that store the lines of a file, and their words.
type loading struct {
	file    string
	restart bool

	doing          string
	stored, passed string // of a line that is stored, and of one that need not be
	because        string // follows passed, for people
}

func (l *loading) register(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVar(&l.file, "file", "", usage+"; - is standard input")
	cmd.Flags().BoolVar(&l.restart, "restart", false, "begin the file again, whatever was "+l.stored+" of it before")
	_ = cmd.MarkFlagFilename("file")
}

// load stores the lines of a file and prints how many.
func load[R any](cmd *cobra.Command, o *options, l *loading, in text, lines *bulk.Load[R]) (bulk.Summary, error) {
	bar := terminal.NewBar(cmd.ErrOrStderr(), l.doing, in.size)
	lines.Text, lines.Progress, lines.Restart = in.ReadCloser, in.progress, l.restart
	lines.Refused, lines.Moved = func(line int, err error) { bar.Say("line %d: %v", line, err) }, bar.Set
	s, err := lines.Run(cmd.Context())
	bar.End()
	if err != nil {
		return s, err
	}
	result := fmt.Appendf(nil, `{"from_line":%d,"until_line":%d,%q:%d,%q:%d,"refused":%d,"failed":%d}`,
		s.From, s.Line, l.stored, s.Stored, l.passed, s.Passed, s.Refused, s.Failed)
	err = o.print(cmd, json.RawMessage(result), fmt.Sprintf("lines %d to %d: %d %s, %d %s%s, %d refused, %d not stored",
		s.From, s.Line, s.Stored, l.stored, s.Passed, l.passed, l.because, s.Refused, s.Failed))
	switch {
	case err != nil:
	case s.Failed > 0:
		err = fmt.Errorf("%w: run the same command again for those that were not stored", errPartly)
	case s.Refused > 0:
		err = fmt.Errorf("%w: correct the lines that were refused and give them again", errPartly)
	}
	return s, err
}
