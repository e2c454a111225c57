package main

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/reader"
)

// reading are the flags of the verbs that hand out an access token.
type reading struct {
	target
	transaction int64
	minLife     time.Duration
}

func (r *reading) register(cmd *cobra.Command, o *options) {
	r.target.register(cmd, o, catalog.All(), "")
	o.flag(cmd, "transaction", "", "of Berbix: the `ID` of the transaction", id(&r.transaction))
	o.flag(cmd, "min-life", reader.DefaultMinLife, "the life that the token must have left",
		lasting(&r.minLife, "0s or longer", 0, math.MaxInt64))
}

// read returns a token with the life that the flags ask for. It only reads: runs refresh expired
// tokens.
func (r *reading) read(cmd *cobra.Command, o *options) (reader.Token, error) {
	switch {
	case r.provider.Sweep != (r.transaction > 0):
		return reader.Token{}, fmt.Errorf("%w: --transaction is for --provider %s, and needed there", errUsage, either(catalog.NamesOf(sweeps)...))
	case r.provider.Sweep && cmd.Flags().Changed("account"):
		return reader.Token{}, fmt.Errorf("%w: a transaction is found by its number alone: leave --account out", errUsage)
	}
	h, err := o.open(cmd.Context(), home.Options{Existing: true})
	if err != nil {
		return reader.Token{}, err
	}
	source := h.Access(r.key())
	if r.provider.Sweep {
		source = h.TransactionToken(r.transaction)
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
		if known := noAccount(cmd.Context(), h, r.account, r.provider.Name); errors.Is(known, errNoAccount) {
			return known
		}
		return err // a reader of tokens alone may not read the ledger
	case errors.Is(err, reader.ErrDenied), errors.As(err, &ended) && ended.Status == "dead":
		return fmt.Errorf("%w: %w", errPerson, err)
	case errors.As(err, &expired) && !time.Now().Before(expired.RefreshAt), errors.Is(err, reader.ErrNotPublished):
		return fmt.Errorf("%w\nsee what is wrong: %s", err, home.Command("status", r.key(), o.given(cmd)))
	}
	return err
}
