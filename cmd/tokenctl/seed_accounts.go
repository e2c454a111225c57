package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
)

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
