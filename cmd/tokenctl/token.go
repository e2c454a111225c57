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

// printed is the JSON of a token.
type printed struct {
	AccessToken string    `json:"access_token"`
	TokenType   string    `json:"token_type"`
	ExpiresAt   time.Time `json:"access_expires_at"`
	RefreshAt   time.Time `json:"refresh_at,omitzero"`
	ClientToken string    `json:"client_token,omitempty"`
	AttemptID   string    `json:"attempt_id,omitempty"`
}

func tokens(o *options) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "token --provider P [--account A | --transaction ID] [--min-life D]",
		Short: "Print an access token that is valid now",
		Long: `Token prints the published access token, if it has the life left that --min-life asks for; otherwise it prints
nothing and fails. It reads as your services do, and refreshes nothing. For a program in a terminal use exec,
which keeps the token out of your history and your screen:

  curl -H "Authorization: Bearer $(tokenctl token --provider hesabe)" https://…

--json also tells until when it is valid. It needs the permission to read the secret "access", or the row of a
Berbix transaction, and no other.`,
		Args: cobra.NoArgs,
	}
	r.register(cmd, o)
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error {
		token, err := r.read(cmd, o)
		if err != nil {
			return err
		}
		return o.print(cmd, asPrinted(token), token.AccessToken.Reveal())
	})
	return cmd
}

func asPrinted(t reader.Token) printed {
	return printed{
		AccessToken: t.AccessToken.Reveal(), TokenType: typeOf(t), ExpiresAt: t.ExpiresAt, RefreshAt: t.RefreshAt,
		ClientToken: t.ClientToken.Reveal(), AttemptID: t.AttemptID,
	}
}

func typeOf(t reader.Token) string {
	if t.Type == "" {
		return "Bearer"
	}
	return t.Type
}

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
		return reader.Token{}, fmt.Errorf("%w: --transaction is for --provider %s, and needed there", errUsage, sweepNames)
	case r.provider.Sweep && cmd.Flags().Changed("account"):
		return reader.Token{}, fmt.Errorf("%w: a transaction is found by its number alone: leave --account out", errUsage)
	}
	h, err := o.open(cmd.Context(), home.Options{Existing: true})
	if err != nil {
		return reader.Token{}, err
	}
	source := h.Access(r.key())
	if r.provider.Sweep {
		source = h.TransactionToken(r.provider.Name, r.transaction)
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
