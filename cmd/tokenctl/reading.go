package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/store"
)

// reading are the flags of the verbs that hand out an access token.
type reading struct {
	target
	transaction int64
	minLife     time.Duration
}

func (r *reading) register(cmd *cobra.Command, o *options) {
	r.target.register(cmd, o)
	cmd.Flags().Int64Var(&r.transaction, "transaction", 0, "of Berbix: the `ID` of the transaction")
	cmd.Flags().DurationVar(&r.minLife, "min-life", reader.DefaultMinLife, "the life that the token must have left")
	complete(cmd, "transaction")
	complete(cmd, "min-life")
}

// read returns a token with the life that the flags ask for. It only reads: runs refresh expired
// tokens.
func (r *reading) read(cmd *cobra.Command, o *options) (reader.Token, error) {
	provider, err := r.check()
	switch {
	case err != nil:
		return reader.Token{}, err
	case provider.Sweep != (r.transaction > 0) || r.transaction < 0:
		return reader.Token{}, fmt.Errorf("%w: --transaction is a number above 0, for --provider %s alone",
			errUsage, catalog.SweepChoice())
	case provider.Sweep && cmd.Flags().Changed("account"):
		return reader.Token{}, fmt.Errorf("%w: a transaction is found by its number alone: leave --account out", errUsage)
	case r.minLife < 0:
		return reader.Token{}, fmt.Errorf("%w: --min-life must not be negative", errUsage)
	}
	h, err := o.open(cmd.Context(), home.Options{Existing: true})
	if err != nil {
		return reader.Token{}, err
	}
	source := h.Access(store.Key{Provider: r.provider, Account: r.account})
	if provider.Sweep {
		source = h.TransactionToken(provider.Name, r.transaction)
	}
	options := reader.Options{MinLife: r.minLife}
	if r.minLife == 0 {
		options.MinLife = -1
	}
	token, err := reader.NewTokenSource(source, options).Get(cmd.Context())
	return token, r.explain(cmd, o, h, err)
}

// explain adds what to do to an error of the reader.
func (r *reading) explain(cmd *cobra.Command, o *options, h *home.Home, err error) error {
	expired, ended := (*reader.ExpiredError)(nil), (*reader.EndedError)(nil)
	switch {
	case errors.Is(err, reader.ErrNotFound) && r.transaction == 0:
		if known := noAccount(cmd.Context(), h, r.account, r.provider); errors.Is(known, errNoAccount) {
			return known
		}
		return err // a reader of tokens alone may not read the ledger
	case errors.Is(err, reader.ErrDenied), errors.As(err, &ended) && ended.Status == "dead":
		return fmt.Errorf("%w: %w", errPerson, err)
	case errors.As(err, &expired) && !time.Now().Before(expired.RefreshAt), errors.Is(err, reader.ErrNotPublished):
		look := target{provider: r.provider, account: r.account}
		return fmt.Errorf("%w\nsee what is wrong: %s", err, o.line(cmd, "status", look))
	}
	return err
}
