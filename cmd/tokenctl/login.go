package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/operator/terminal"
	"tokenrefresh/internal/operator/weblogin"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// loginWithin is how long a person has at the service's page.
const loginWithin = 10 * time.Minute

// loggingIn are the flags of login.
type loggingIn struct {
	target
	authURL, redirectURI string
	scopes               []string
	port                 int
	noPKCE, paste, force bool
	timeout              time.Duration
}

func login(o *options) *cobra.Command {
	var l loggingIn
	cmd := &cobra.Command{
		Use:   "login --provider P [--account A] [--auth-url URL] [--scope S]",
		Short: "Get the first refresh token of an OAuth 2 service, with a browser",
		Long: `Login opens the service's page in your browser, where you log in and agree, and puts the refresh token that
the service then hands out into the account's secret, as "seed tokens" does. No token is shown. The client must be there
already ("seed credentials"). --auth-url, --scope, --redirect-uri and --no-pkce stand for the fields auth_url, auth_scope,
redirect_uri and no_pkce of the credentials: with those no flag is needed here.

The browser comes back to http://127.0.0.1 at a free port, or at --redirect-port, if the service wants to know it before.
Where the service takes only https, or there is no browser on this machine (--paste), login shows the address of the page
and asks for the address at which the browser ended; that this page could not be loaded does not matter.

Without a refresh token in the answer nothing is written: most services want a scope such as offline_access for it, or a
parameter of the page (--auth-url 'https://…?access_type=offline&prompt=consent').`,
		Args: cobra.NoArgs,
	}
	browsed := catalog.Those(func(e catalog.Entry) bool { return e.Browser })
	l.register(cmd, o, browsed, "has no page to log in at: use tokenctl seed")
	flags := cmd.Flags()
	flags.StringVar(&l.authURL, "auth-url", "", "the `URL` of the service's page, with what belongs into its query")
	flags.StringArrayVar(&l.scopes, "scope", nil, "what to ask for, as the service writes it; may be repeated")
	o.flag(cmd, "redirect-port", 0, "the port of http://127.0.0.1:`PORT`/callback; 0: a free one", whole(&l.port, 0, math.MaxUint16))
	flags.StringVar(&l.redirectURI, "redirect-uri", "", "the `URI` that the service knows for this client")
	flags.BoolVar(&l.noPKCE, "no-pkce", false, "leave PKCE out, for services that refuse it")
	flags.BoolVar(&l.paste, "paste", false, "ask for the address at which the browser ended, also where it is one of this machine")
	flags.BoolVar(&l.force, "force", false, "replace a token that still works, or a newer one that is on its way")
	o.flag(cmd, "timeout", loginWithin, "how long to wait for the browser",
		lasting(&l.timeout, "above 0", 1, math.MaxInt64))
	cmd.MarkFlagsMutuallyExclusive("redirect-port", "redirect-uri")
	cmd.RunE = o.run(func(cmd *cobra.Command, _ []string) error { return l.do(cmd, o) })
	return cmd
}

func (l *loggingIn) do(cmd *cobra.Command, o *options) error {
	h, err := o.open(cmd.Context(), home.Options{Existing: true})
	if err != nil {
		return err
	}
	session, err := l.session(cmd, o, h)
	if err != nil {
		return err
	}
	asked, err := l.authorization(session.Authorization())
	if err != nil {
		return err
	}
	seeder := seed.Seeder{Home: h, Provider: l.provider, Account: l.account, Flags: o.given(cmd)}
	if !l.force { // before a person has done all that for nothing
		if err := seeder.Ready(cmd.Context()); err != nil {
			return err
		}
	}
	flow, code, err := l.authorize(cmd, asked)
	if err != nil {
		return err
	}
	// The code is spent from here on: what follows is ended.
	ctx := context.WithoutCancel(cmd.Context())
	tokens, err := session.Redeem(ctx, code, flow.RedirectURI, flow.Verifier)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", seed.ErrRefused, err)
	case tokens.RefreshToken.Blank():
		return fmt.Errorf("%w: the service has handed out an access token and no refresh token: it may want a scope such as "+
			"offline_access (--scope), access_type=offline&prompt=consent in the query of --auth-url, or the client's "+
			"settings have to allow it", seed.ErrRefused)
	}
	// By force: whatever a run has got meanwhile, this token is newer.
	report, err := seeder.Tokens(ctx, tokens.RefreshToken, true)
	if err != nil {
		return fmt.Errorf("the new refresh token is not stored, log in again: %w", err)
	}
	report.Warnings = append(report.Warnings, misleading(ctx, session, tokens)...)
	return o.seeded(cmd, report)
}

// misleading warns of an introspection_url or probe_url that does not say of a new token that it is
// unspent. Whether it tells a spent one, no login can try.
func misleading(ctx context.Context, session providers.Session, tokens providers.Tokens) []string {
	asking, ok := session.(providers.Reusing)
	if !ok || !asking.Again().Asks {
		return nil
	}
	evidence, err := asking.Ask(ctx, tokens.RefreshToken, tokens.AccessToken)
	const then = "leave it out of the credentials, or correct it (docs/services.md#whether-a-lost-refresh-was-acted-on)"
	const who = "introspection_url or probe_url "
	switch evidence {
	case providers.Acted:
		return []string{who + "says that this new refresh token is spent, so each lost refresh would need you: " + then}
	case providers.NoEvidence:
		return []string{fmt.Sprintf(who+"does not say that this new refresh token is unspent (%v): %s", err, then)}
	case providers.NotActed:
	}
	return nil
}

// session opens the credentials of the account.
func (l *loggingIn) session(cmd *cobra.Command, o *options, h *home.Home) (providers.Authorizing, error) {
	current, err := h.Secrets.Current(cmd.Context(), l.key(), store.Credentials)
	var session providers.Session
	if err == nil {
		session, err = l.provider.Client("production").Open(current.Value)
	}
	switch {
	case errors.Is(err, store.ErrNoSecret), errors.Is(err, store.ErrNoValue), errors.Is(err, providers.ErrNotSeeded):
		line := home.Command("seed credentials", l.key(), o.given(cmd))
		return nil, fmt.Errorf("the client is not known yet, put it in first: %s", line)
	case err != nil:
		return nil, err
	}
	authorizing, ok := session.(providers.Authorizing)
	if !ok {
		return nil, fmt.Errorf("%w: %s has no page to log in at", errUsage, l.provider.Name)
	}
	return authorizing, nil
}

// authorization is what the credentials say, unless flags say otherwise.
func (l *loggingIn) authorization(a providers.Authorization) (providers.Authorization, error) {
	a.URL = cmp.Or(l.authURL, a.URL)
	a.Scope = cmp.Or(strings.Join(l.scopes, " "), a.Scope)
	a.RedirectURI = cmp.Or(l.redirectURI, a.RedirectURI)
	a.NoPKCE = a.NoPKCE || l.noPKCE
	if l.port > 0 {
		a.RedirectURI = fmt.Sprintf("http://127.0.0.1:%d%s", l.port, weblogin.DefaultPath)
	}
	a.RedirectURI = cmp.Or(a.RedirectURI, "http://127.0.0.1"+weblogin.DefaultPath)
	if a.URL == "" {
		return a, fmt.Errorf("%w: name the service's page with --auth-url, or as auth_url in the credentials "+
			"(docs/services.md#the-first-refresh-token)", errUsage)
	}
	for _, address := range []struct{ flag, text string }{{"--auth-url", a.URL}, {"--redirect-uri", a.RedirectURI}} {
		if _, err := credentials.ParseURL(address.text); err != nil {
			return a, fmt.Errorf("%w: %s %w", errUsage, address.flag, err)
		}
	}
	return a, nil
}

// authorize sends the person to the page and returns the code that comes back.
func (l *loggingIn) authorize(cmd *cobra.Command, a providers.Authorization) (*weblogin.Flow, secret.String, error) {
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), l.timeout,
		fmt.Errorf("no answer came from the browser within %s: nothing was written", l.timeout))
	defer cancel()
	flow, code, err := l.wait(ctx, cmd, a)
	switch cause := context.Cause(ctx); {
	case errors.Is(err, context.Canceled):
		err = fmt.Errorf("%w: nothing was written", errStopped)
	case err != nil && cause != nil:
		err = cause
	}
	return flow, code, err
}

func (l *loggingIn) wait(
	ctx context.Context, cmd *cobra.Command, a providers.Authorization,
) (*weblogin.Flow, secret.String, error) {
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), terminal.Visible(fmt.Sprintf(format, args...)))
	}
	if l.paste || !weblogin.Here(a.RedirectURI) {
		flow := weblogin.Begin(a, a.RedirectURI)
		say("Open this address in a browser, log in and agree:\n\n%s\n", flow.Address)
		code, err := l.pasted(ctx, cmd, flow, say)
		return flow, code, err
	}
	callback, err := weblogin.Listen(ctx, a.RedirectURI)
	if err != nil {
		return nil, secret.String{}, err
	}
	defer callback.Close()
	flow := weblogin.Begin(a, callback.RedirectURI)
	say("Log in and agree in the browser. If none opens, open this address yourself:\n\n%s\n", flow.Address)
	code, err := callback.Await(ctx, flow, weblogin.Browse(flow.Address, os.Getenv), func(err error) { say("%v", err) })
	return flow, code, err
}

// pasted asks for the address at which the browser ended, at a terminal until it is one.
func (l *loggingIn) pasted(
	ctx context.Context, cmd *cobra.Command, flow *weblogin.Flow, say func(string, ...any),
) (secret.String, error) {
	question := fmt.Sprintf("the address at which the browser ended, %s?… (not shown)", flow.RedirectURI)
	if !terminal.Is(cmd.InOrStdin()) {
		say("%s:", question)
		line, err := terminal.ReadLine(ctx, cmd.InOrStdin())
		if err != nil {
			return secret.String{}, err
		}
		return flow.Pasted(line)
	}
	for {
		text, err := person(cmd).AskHidden(ctx, question, nil)
		if err != nil {
			return secret.String{}, err
		}
		code, err := flow.Pasted(text.Reveal())
		if !errors.Is(err, weblogin.ErrNoCode) && !errors.Is(err, weblogin.ErrOtherLogin) {
			return code, err
		}
		say("%v", err)
	}
}
