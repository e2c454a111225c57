package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

func seeds(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Put credentials, or the first refresh token, in",
		Long: "Seed checks what it is given, creates the secrets that are missing, writes one, and makes the\n" +
			"credential due now. It reads from --file, from standard input, or asks at the terminal.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return errors.New("name what to seed: credentials or tokens") },
	}
	cmd.AddCommand(seedCredentials(o), seedTokens(o))
	return cmd
}

// seeding are the flags of both.
type seeding struct {
	target
	file, kmsKey string
}

func (s *seeding) register(cmd *cobra.Command) {
	s.target.register(cmd)
	cmd.Args = cobra.NoArgs
	cmd.Flags().StringVar(&s.file, "file", "", "read the JSON from `FILE`; - is standard input")
	cmd.Flags().StringVar(&s.kmsKey, "kms-key", "", "aws: KMS key (id or ARN) of secrets that are created: the stack's KmsKeyArn")
}

func seedCredentials(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "credentials --provider P [--account A] [--file F]",
		Short: "Put a provider's credentials in",
		Long:  "Credentials takes the JSON that the README lists for each provider.",
	}
	var s seeding
	s.register(cmd)
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		return s.do(cmd, o, func(entry catalog.Entry, person seed.Person) (secret.String, error) {
			return seed.AskCredentials(entry.New(exchange.New(exchange.Options{}), "production").Fields(), person)
		}, seed.Seeder.Credentials)
	})
	return cmd
}

func seedTokens(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens --provider P [--account A] [--file F]",
		Short: "Begin a chain with a refresh token",
		Long: "Tokens takes {\"refresh_token\":\"…\"} or the bare token. A token that was presented before is refused:\n" +
			"it may be spent. So is, without --force, any token where the credential is well: it would end a good chain.",
	}
	var s seeding
	s.register(cmd)
	force := cmd.Flags().Bool("force", false, "push aside a token that is well, or a newer one that is on its way")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		return s.do(cmd, o, func(_ catalog.Entry, person seed.Person) (secret.String, error) {
			return seed.AskTokens(person)
		}, func(seeder seed.Seeder, ctx context.Context, text secret.String) (seed.Report, error) {
			return seeder.Tokens(ctx, text, *force)
		})
	})
	return cmd
}

// do gets the text and writes it.
func (s *seeding) do(
	cmd *cobra.Command, o *options,
	asked func(catalog.Entry, seed.Person) (secret.String, error),
	write func(seed.Seeder, context.Context, secret.String) (seed.Report, error),
) error {
	entry, err := s.check()
	if err != nil {
		return err
	}
	h, err := o.open(cmd.Context(), home.Options{KMSKey: s.kmsKey})
	if err != nil {
		return err
	}
	var text secret.String
	if s.file == "" && terminal.Is(cmd.InOrStdin()) {
		text, err = asked(entry, person{cmd})
	} else {
		text, err = readText(cmd, s.file)
	}
	if err != nil {
		return err
	}
	report, err := write(seed.Seeder{Home: h, Provider: entry, Account: s.account, Flags: o.given(cmd)}, cmd.Context(), text)
	if err != nil {
		return err
	}
	for _, warning := range report.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
	}
	return o.print(cmd, report, fmt.Sprintf("wrote %s; %s", report.Secret, report.Next))
}
