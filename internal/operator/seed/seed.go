// Package seed puts credentials and refresh tokens into a home. It checks them before anything is
// written, and makes the next tick look at them.
package seed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// maxSecret is how many bytes Secrets Manager keeps in a secret.
const maxSecret = 65536

// Seeder seeds one credential.
type Seeder struct {
	Home     *home.Home
	Provider catalog.Entry
	Account  string
	// Flags are tokenctl's flags for this home, for printed commands.
	Flags string
}

// Report is what was done.
type Report struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	New      bool     `json:"new,omitempty"` // the account did not exist before
	Secret   string   `json:"secret"`
	Version  string   `json:"version_id"`
	Warnings []string `json:"warnings,omitempty"`
	// Next is what happens next, or what to do.
	Next string `json:"next"`
}

var (
	// ErrRefused is in the errors of texts that are not written.
	ErrRefused = errors.New("nothing was written")
	// ErrBusy is in the errors of accounts that a run is working on. Nothing was written.
	ErrBusy = errors.New("a run is at work")
	// errNotRead is in the errors of homes that could not be read first.
	errNotRead = errors.New("nothing was written")
)

func (s Seeder) key() store.Key { return store.Key{Provider: s.Provider.Name, Account: s.Account} }

// Credentials writes the provider's credentials. It opens them first, which finds missing fields
// without a call.
func (s Seeder) Credentials(ctx context.Context, text secret.String) (Report, error) {
	g, err := s.read(text, "production")
	if err != nil {
		return Report{}, err
	}
	if _, err := s.row(ctx); err != nil {
		return Report{}, err
	}
	return s.write(ctx, store.Credentials, text, s.cautions(ctx, g))
}

// Checked is Credentials after one successful login with them. The tokens of that login begin the
// account's chain, because with many providers it has ended the session before. ErrLogin, ErrBusy.
func (s Seeder) Checked(ctx context.Context, text secret.String, environment string) (Report, error) {
	row, err := s.row(ctx)
	if err != nil {
		return Report{}, err
	}
	if row.Phase == store.Sending && time.Now().Before(row.ClaimedUntil) {
		return Report{}, fmt.Errorf("%w until %s at most: try again then", ErrBusy, row.ClaimedUntil.UTC().Format(time.RFC3339))
	}
	g, err := s.read(text, environment)
	if err == nil && !g.session.CanLogin() {
		err = fmt.Errorf("%w: these credentials have no login to check", ErrRefused)
	}
	if err != nil {
		return Report{}, err
	}
	tokens, err := g.session.Login(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("%w: the login has failed: %w", ErrRefused, err)
	}
	report, err := s.Credentials(ctx, text)
	if err != nil || tokens.RefreshToken.Blank() {
		return report, err
	}
	begun, err := s.Tokens(ctx, tokens.RefreshToken, true)
	if err != nil { // the next tick goes on with the old chain, or logs in
		report.Warnings = append(report.Warnings, "the tokens of the login are not stored: "+err.Error())
		return report, nil //nolint:nilerr // the credentials are written, and nothing is lost
	}
	report.Next = "the login went well, and its tokens begin the chain; " + begun.Next
	return report, nil
}

// Tokens begins a chain with a refresh token, bare or in its document. It refuses a token that was
// presented before, unless the credentials say that it is taken again without end. Unless forced, it
// also refuses to replace a token that works, or a newer one that is on its way.
func (s Seeder) Tokens(ctx context.Context, text secret.String, force bool) (Report, error) {
	if s.Provider.Sweep {
		return Report{}, fmt.Errorf("%w: %s has no chain: use tokenctl record", ErrRefused, s.Provider.Name)
	}
	seed, document, err := ParseToken(text)
	if err == nil {
		err = tooLong(document)
	}
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	row, err := s.row(ctx)
	if err != nil {
		return Report{}, err
	}
	presented := row.Presented(seed.RefreshToken)
	if presented && (row.Phase == store.Sending || !s.takenAgain(ctx)) {
		return Report{}, fmt.Errorf("%w: this refresh token was presented before and may be spent: get a new one", ErrRefused)
	}
	if !force {
		if err := s.refuseLoss(ctx, row); err != nil {
			return Report{}, err
		}
	}
	if presented {
		if err := refresh.TakeAgain(ctx, s.Home.Ledger, row, seed.RefreshToken); err != nil {
			return Report{}, fmt.Errorf("%w: run this again: %w", errNotRead, err)
		}
	}
	var warnings []string
	if len(seed.Unknown) > 0 {
		warnings = append(warnings, "not known, and kept: "+strings.Join(ShownAll(seed.Unknown), ", "))
	}
	return s.write(ctx, store.TokensDoc, document, warnings)
}

// takenAgain reports whether the credentials say that a refresh token is taken again without end.
func (s Seeder) takenAgain(ctx context.Context) bool {
	text, err := s.current(ctx, store.Credentials)
	if err != nil {
		return false
	}
	session, err := s.Provider.Client("production").Open(text)
	return err == nil && providers.AgainOf(session).Reuse == providers.Always
}

// Ready reports why Tokens would refuse any token now; nil: it would not.
func (s Seeder) Ready(ctx context.Context) error {
	row, err := s.row(ctx)
	if err != nil {
		return err
	}
	return s.refuseLoss(ctx, row)
}

// refuseLoss refuses to replace a token that still works, or a newer one that is on its way.
func (s Seeder) refuseLoss(ctx context.Context, row store.Row) error {
	switch {
	case row.Phase == store.Sending && time.Now().Before(row.ClaimedUntil):
		return fmt.Errorf("%w: a run is at work until %s at most, and its new token would be lost: try again then, or --force",
			ErrRefused, row.ClaimedUntil.UTC().Format(time.RFC3339))
	case row.Escrow.AttemptID != "" && !row.Escrow.Raw:
		return fmt.Errorf("%w: the ledger keeps a newer chain (attempt %s), which a tick will store: wait for it, or --force",
			ErrRefused, row.Escrow.AttemptID)
	}
	return s.refuseWell(ctx, row)
}

// refuseWell refuses to end a chain that works: its last run has stored a token that was not
// presented yet. A person's version may be replaced.
func (s Seeder) refuseWell(ctx context.Context, row store.Row) error {
	now := time.Now()
	ended := !row.RefreshExpiresAt.IsZero() && !now.Before(row.RefreshExpiresAt)
	if row.State != store.OK || !row.LastOutcome.Rotates() || ended {
		return nil
	}
	text, err := s.current(ctx, store.TokensDoc)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotRead, err)
	}
	held, err := refresh.ParseTokens(text)
	if err != nil || held.AttemptID == "" || held.RefreshToken.Blank() || row.Presented(held.RefreshToken) {
		return nil //nolint:nilerr // a token that a run cannot use is no loss
	}
	return fmt.Errorf("%w: this credential works: its refresh token would be lost; --force replaces it", ErrRefused)
}

// current is the text of a document; blank: there is none that could be used.
func (s Seeder) current(ctx context.Context, doc store.Document) (secret.String, error) {
	v, err := s.Home.Secrets.Current(ctx, s.key(), doc)
	if errors.Is(err, store.ErrNoSecret) || errors.Is(err, store.ErrNoValue) || errors.Is(err, store.ErrMalformed) {
		err = nil
	}
	return v.Value, err
}

// row is the credential's row. It is read before anything is written: a secret that is created
// before the stack takes a name that the stack needs.
func (s Seeder) row(ctx context.Context) (store.Row, error) {
	row, exists, err := s.Home.Ledger.Row(ctx, s.key())
	if err == nil && exists {
		err = row.Unreadable
	}
	switch {
	case errors.Is(err, awshome.ErrNoTable):
		return row, fmt.Errorf("%w: name the stack's prefixes (--secret-prefix, --table-prefix) and --region, "+
			"or deploy a stack if there never was one: %w", errNotRead, err)
	case err != nil:
		return row, fmt.Errorf("%w: the ledger must be readable first: %w", errNotRead, err)
	}
	return row, nil
}

// write creates missing secrets of the credential, puts the value into one, and makes the
// credential due.
func (s Seeder) write(ctx context.Context, doc store.Document, value secret.String, warnings []string) (Report, error) {
	created := false
	for _, document := range s.Provider.Documents() {
		_, err := s.Home.Secrets.CurrentID(ctx, s.key(), document)
		if errors.Is(err, store.ErrNoSecret) && !errors.Is(err, awshome.ErrDeleted) {
			err = s.Home.Editor.CreateSecret(ctx, s.key(), document)
			created = created || document == store.Credentials
		}
		if err != nil {
			return Report{}, err
		}
	}
	version, err := s.Home.Editor.PutCurrent(ctx, s.key(), doc, value)
	if err != nil {
		return Report{}, err
	}
	row, exists, err := refresh.DueNow(ctx, s.Home.Secrets, s.Home.Ledger, s.key(), time.Now())
	if err != nil {
		return Report{}, fmt.Errorf("the secret %s is written, but the credential is not due yet, run this again: %w",
			store.NameOf(s.Home.Secrets, s.key(), doc), err)
	}
	return Report{
		Provider: s.Provider.Name, Account: s.Account, New: created,
		Secret: store.NameOf(s.Home.Secrets, s.key(), doc), Version: version,
		Warnings: warnings, Next: s.next(row, exists),
	}, nil
}

func (s Seeder) next(row store.Row, exists bool) string {
	switch {
	case !exists:
		return "its row in the ledger was lost: " + s.command("refresh")
	case row.Paused:
		return "it is paused: " + s.command("resume")
	case row.Phase == store.Sending:
		return "a run is at work: it, or the next one, sees what was written"
	}
	return "the next tick looks at it"
}

// command is a tokenctl command about this credential.
func (s Seeder) command(verb string) string { return home.Command(verb, s.key(), s.Flags) }

// tooLong is an error for a text that no secret takes.
func tooLong(text secret.String) error {
	if len(text.Reveal()) > maxSecret {
		return fmt.Errorf("the text is longer than %d bytes", maxSecret)
	}
	return nil
}
