package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/secret"
)

func seeds(o *options) *cobra.Command {
	var m importing
	cmd := &cobra.Command{
		Use:   "seed {credentials | tokens | --file F}",
		Short: "Put credentials, the first refresh token, or many accounts in",
		Long: `Seed checks what it is given, creates the secrets that are missing, writes them, and makes the credential due
now. "seed credentials" and "seed tokens" are about one account, and read from --file, from standard input, or
ask at the terminal. "seed --file F" takes many accounts, a JSON object in a line each:

  {"provider":"hesabe","account":"shop-2","credentials":{"username":"…","password":"…"}}

A line may also have a "refresh_token" to begin the chain with. A line that is wrong is told and passed over (exit
code 4). How far a file has come is kept beside it, in F.progress, without secrets: after an interrupt or a failure
the same command goes on where it stopped. Seeding a file twice writes nothing twice.

On AWS a new account takes four writes to Secrets Manager, which takes 50 a second of all: --rate says how many
of them this command may use.`,
		Args: cobra.NoArgs,
		RunE: o.run(func(cmd *cobra.Command, _ []string) error {
			if m.file == "" {
				return fmt.Errorf("%w: name what to seed: credentials, tokens or --file", errUsage)
			}
			return m.do(cmd, o)
		}),
	}
	m.register(cmd, o)
	cmd.AddCommand(seedCredentials(o), seedTokens(o))
	return cmd
}

const kmsKeyUsage = "aws: KMS key (id or ARN) of secrets that are created: the stack's KmsKeyArn"

// seeding are the flags of both.
type seeding struct {
	target
	file, kmsKey string
	yes          bool
}

func (s *seeding) register(cmd *cobra.Command, o *options) {
	s.target.register(cmd, o, catalog.All(), "")
	cmd.Args = cobra.NoArgs
	cmd.Flags().StringVar(&s.file, "file", "", "read the JSON from `FILE`; - is standard input")
	_ = cmd.MarkFlagFilename("file")
	cmd.Flags().BoolVar(&s.yes, "yes", false, "don't ask at a terminal before a new account is made")
	cmd.Flags().StringVar(&s.kmsKey, "kms-key", "", kmsKeyUsage)
}

func seedCredentials(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "credentials --provider P [--account A] [--file F] [--check]",
		Short: "Put a provider's credentials in",
		Long: `Credentials takes the JSON that the README lists for each provider.

With --check it logs in once with them, before those that are stored are replaced, and writes nothing where that
fails. The login is made from this machine, whose address Hesabe may filter. With many providers it ends the
session before, so its tokens begin the account's chain: the next tick refreshes them. While a run is at work
nothing is done (exit code 5). Berbix has no login to check.`,
	}
	var s seeding
	var e engine
	s.register(cmd, o)
	e.register(cmd, o)
	check := cmd.Flags().Bool("check", false, "log in once with them before they are written")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		ask := func() (secret.String, error) {
			return seed.AskCredentials(cmd.Context(), s.provider.Client("production").Fields(), person(cmd))
		}
		return s.do(cmd, o, ask, func(seeder seed.Seeder, text secret.String) (seed.Report, error) {
			if *check {
				return seeder.Checked(context.WithoutCancel(cmd.Context()), text, e.environment) // its reply must not be lost
			}
			return seeder.Credentials(cmd.Context(), text)
		})
	})
	return cmd
}

func seedTokens(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens --provider P [--account A] [--file F]",
		Short: "Begin a chain with a refresh token",
		Long: `Tokens takes {"refresh_token":"…"} or the bare token. A token that was presented before is refused: it may be spent,
unless the credentials say refresh_token_reuse "always". So is, without --force, any token where the credential is
well: it would end a good chain.`,
	}
	var s seeding
	s.register(cmd, o)
	force := cmd.Flags().Bool("force", false, "replace a token that still works, or a newer one that is on its way")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		ask := func() (secret.String, error) { return seed.AskTokens(cmd.Context(), person(cmd)) }
		return s.do(cmd, o, ask, func(seeder seed.Seeder, text secret.String) (seed.Report, error) {
			return seeder.Tokens(cmd.Context(), text, *force)
		})
	})
	return cmd
}

// do gets the text and writes it.
func (s *seeding) do(
	cmd *cobra.Command, o *options, ask func() (secret.String, error), write func(seed.Seeder, secret.String) (seed.Report, error),
) error {
	h, err := o.open(cmd.Context(), home.Options{KMSKey: s.kmsKey})
	if err != nil {
		return err
	}
	asks := terminal.Is(cmd.InOrStdin())
	if asks && !s.yes && s.account != defaultAccount {
		if err := mustExist(cmd.Context(), h, s.key()); errors.Is(err, errNoAccount) { // any other error comes up again
			if err := confirm(cmd, err.Error()+". Make it?"); err != nil {
				return err
			}
		}
	}
	var text secret.String
	if s.file == "" && asks {
		text, err = ask()
	} else {
		text, err = readText(cmd, s.file)
	}
	if err != nil {
		return err
	}
	report, err := write(seed.Seeder{Home: h, Provider: s.provider, Account: s.account, Flags: o.given(cmd)}, text)
	if err != nil {
		return nothingIfBusy(err)
	}
	return o.seeded(cmd, report)
}

// seeded says what was written.
func (o *options) seeded(cmd *cobra.Command, report seed.Report) error {
	for _, warning := range report.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
	}
	o.acted(cmd, report.Provider, report.Account, "version "+report.Version)
	said := fmt.Sprintf("wrote %s; %s", report.Secret, report.Next)
	if report.New {
		said = fmt.Sprintf("new account %s/%s: %s", report.Provider, report.Account, said)
	}
	return o.print(cmd, report, said)
}

const (
	// quotaOfWrites is how many writes a second Secrets Manager takes in an AWS account and region.
	quotaOfWrites = 50
	// defaultRate leaves half of them to refreshes.
	defaultRate = quotaOfWrites / 2
)

// importing are the flags of seed itself.
type importing struct {
	loading
	provider catalog.Entry
	kmsKey   string
	rate     int
}

func (m *importing) register(cmd *cobra.Command, o *options) {
	m.loading = loading{doing: "seeding", stored: "seeded", passed: "unchanged"}
	m.loading.register(cmd, "seed the accounts of `FILE`, a line each")
	o.flag(cmd, "provider", "", "the provider of lines that name none", oneProvider(&m.provider, catalog.All(), ""))
	cmd.Flags().StringVar(&m.kmsKey, "kms-key", "", kmsKeyUsage)
	o.flag(cmd, "rate", defaultRate,
		fmt.Sprintf("aws: writes a second, up to Secrets Manager's %d; what runs need meanwhile is to be left", quotaOfWrites),
		whole(&m.rate, 1, quotaOfWrites))
}

func (m *importing) do(cmd *cobra.Command, o *options) error {
	in, err := openText(cmd, m.file)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	h, err := o.open(cmd.Context(), home.Options{KMSKey: m.kmsKey})
	if err != nil {
		return err
	}
	writes := rate.Limit(m.rate)
	if o.home == home.Embedded {
		writes = rate.Inf
	}
	lines := seed.Accounts(h, m.provider.Name, o.given(cmd), writes)
	lines.Target = h.Name
	summary, err := load(cmd, o, &m.loading, in, lines)
	if summary.Stored > 0 {
		o.acted(cmd, m.provider.Name, "", fmt.Sprintf("%d accounts of a file", summary.Stored))
	}
	return err
}
