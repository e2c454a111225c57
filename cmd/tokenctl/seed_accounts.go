package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/operator/terminal"
)

const (
	// quotaOfWrites is how many writes a second Secrets Manager takes in an AWS account and region.
	quotaOfWrites = 50
	// defaultRate leaves half of them to refreshes.
	defaultRate = quotaOfWrites / 2
)

// importing are the flags of seed itself.
type importing struct {
	file, provider, kmsKey string
	rate                   int
	restart                bool
}

func (m *importing) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&m.file, "file", "", "seed the accounts of `FILE`, a line each; - is standard input")
	flags.StringVar(&m.provider, "provider", "", "the provider of lines that name none")
	flags.StringVar(&m.kmsKey, "kms-key", "", "aws: KMS key (id or ARN) of secrets that are created: the stack's KmsKeyArn")
	flags.IntVar(&m.rate, "rate", defaultRate,
		fmt.Sprintf("aws: writes a second, up to Secrets Manager's %d; what runs need meanwhile is to be left", quotaOfWrites))
	flags.BoolVar(&m.restart, "restart", false, "begin the file again, whatever was seeded of it before")
	complete(cmd, "provider", catalog.Names()...)
	complete(cmd, "rate")
	complete(cmd, "kms-key")
}

func (m *importing) do(cmd *cobra.Command, o *options) error {
	if m.provider != "" {
		if _, err := catalog.Find(m.provider); err != nil {
			return fmt.Errorf("%w: --provider: %w", errUsage, err)
		}
	}
	if m.rate < 1 || m.rate > quotaOfWrites {
		return fmt.Errorf("%w: --rate must be from 1 to %d", errUsage, quotaOfWrites)
	}
	in, err := openText(cmd, m.file)
	if err != nil {
		return err
	}
	defer in.close()
	h, err := o.open(cmd.Context(), home.Options{KMSKey: m.kmsKey})
	if err != nil {
		return err
	}
	if o.home == string(home.AWS) {
		h.Editor = seed.Paced(h.Editor, float64(m.rate))
	}
	bar := terminal.NewBar(cmd.ErrOrStderr(), "seeding", in.size)
	loader := bulk.Loader[seed.Account]{
		Put: seed.Importer{Home: h, Flags: o.given(cmd)}.Put, ID: func(a seed.Account) string { return a.Key().String() },
		Batch: seed.AccountsBatch, Target: h.Name,
		Refused: func(line int, err error) { bar.Say("line %d: %v", line, err) }, Moved: bar.Set,
	}
	summary, err := loader.Load(cmd.Context(), bulk.Input[seed.Account]{
		Text: in.Reader, Progress: in.progress, Restart: m.restart,
		Begin: func(*bulk.Lines, time.Time) (bulk.Decoder[seed.Account], error) {
			return seed.DecodeAccount(m.provider), nil
		},
	})
	bar.End()
	if err != nil {
		return err
	}
	return m.tell(cmd, o, summary)
}

// imported is the JSON of a file's result.
type imported struct {
	From      int `json:"from_line"`
	Until     int `json:"until_line"`
	Seeded    int `json:"seeded"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"`
	Failed    int `json:"failed"`
}

func (m *importing) tell(cmd *cobra.Command, o *options, s bulk.Summary) error {
	said := fmt.Sprintf("lines %d to %d: %d seeded, %d unchanged, %d refused, %d not stored",
		s.From, s.Line, s.Stored, s.Passed, s.Refused, s.Failed)
	if s.Stored > 0 {
		o.acted(cmd, m.provider, "", fmt.Sprintf("%d accounts of a file", s.Stored))
	}
	if err := o.print(cmd, imported{s.From, s.Line, s.Stored, s.Passed, s.Refused, s.Failed}, said); err != nil {
		return err
	}
	return partly(s.Refused, s.Failed)
}

// partly is the error of a file with lines that were not stored.
func partly(refused, failed int) error {
	switch {
	case failed > 0:
		return fmt.Errorf("%w: run the same command again for those that were not stored", errPartly)
	case refused > 0:
		return fmt.Errorf("%w: correct the lines that were refused and give them again", errPartly)
	}
	return nil
}
