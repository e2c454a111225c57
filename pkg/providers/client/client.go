// Package client is what the clients of all providers share: a provider that opens credentials, and
// a session that posts to one host.
package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/verdict"
	"tokenrefresh/pkg/secret"
)

// provider implements providers.Described.
type provider struct {
	name, address string
	patience      time.Duration
	fields        []providers.Field
	open          func(*credentials.Fields) providers.Session
}

// New makes a provider of that name. address is its base URL for credentials that name none; empty
// if they must. open makes a session of credentials, and leaves their mistakes to the fields.
func New(
	name, address string, patience time.Duration, fields []providers.Field, open func(*credentials.Fields) providers.Session,
) providers.Described {
	return &provider{name, address, patience, fields, open}
}

// Name implements providers.Provider.
func (p *provider) Name() string { return p.name }

// Open implements providers.Provider.
func (p *provider) Open(text secret.String) (providers.Session, error) {
	fields, err := credentials.Read(p.name, text)
	if err != nil {
		return nil, err
	}
	session := p.open(fields)
	if err := fields.Err(); err != nil {
		return nil, err
	}
	return session, nil
}

// Address implements providers.Described.
func (p *provider) Address() string { return p.address }

// Fields implements providers.Described.
func (p *provider) Fields() []providers.Field { return p.fields }

// Patience implements providers.Described.
func (p *provider) Patience() time.Duration { return p.patience }

// Session is the common part of a session.
type Session struct {
	Client   *exchange.Client
	Provider string
	URL      *url.URL // under which the paths of its calls lie
	Rules    verdict.Rules
}

// Format implements fmt.Formatter with a mask: fmt prints what lies in unexported
// fields without asking it.
func (s Session) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "[%s session]", s.Provider) }

// Host implements providers.Located.
func (s Session) Host() string { return s.URL.Host }

// Prepare opens a connection to the provider before a call needs it, and sends nothing. It returns
// when the connection is open, when it has failed or when ctx ends. A failure is left to the next call.
func (s Session) Prepare(ctx context.Context) { s.Client.Prepare(ctx, s.URL) }

// Read makes tokens of an answer, and an error of one without them.
func (s Session) Read(answer exchange.Reply) (providers.Tokens, error) { return s.Rules.Read(answer) }

// Decode implements providers.Session.
func (s Session) Decode(raw secret.String, sent time.Time) (providers.Tokens, error) {
	return s.Read(exchange.Reply{Provider: s.Provider, Op: "decode", Status: http.StatusOK, Body: raw, Sent: sent})
}

// Post sends one request to the path below the URL, and reads its answer.
func (s Session) Post(
	ctx context.Context, op, path string, header http.Header, payload map[string]string,
) (providers.Tokens, error) {
	answer, err := s.Client.Post(ctx, exchange.Request{
		Provider: s.Provider, Op: op, URL: s.URL.JoinPath(path), Header: header, Payload: payload,
	})
	if err != nil {
		return providers.Tokens{}, err
	}
	return s.Read(answer)
}
