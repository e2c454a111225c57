// Package oauthservers starts OAuth 2 servers that others wrote, behind a proxy that loses answers
// and counts the refresh tokens that pass.
package oauthservers

import (
	_ "embed" // of the programs
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/child"
	"tokenrefresh/pkg/secret"
)

// The servers' programs.
var (
	//go:embed programs/oidc.mjs
	oidc string
	//go:embed programs/toolkit.py
	toolkit string
)

// Server is a server behind its proxy.
type Server struct {
	*Proxy

	direct                   *url.URL
	token, introspect, probe string // paths
	clients                  map[string]Client
}

// Client is one that the server knows.
type Client struct{ ID, Secret, Method string }

// The clients of each server: by Basic with characters that it has to encode, by fields of the
// form, and without a secret.
const (
	Basic  = "client_secret_basic"
	Post   = "client_secret_post"
	Public = "none"
)

// odd is what Basic has to encode.
const odd = "&+/ %:=?"

func clients() map[string]Client {
	return map[string]Client{
		Basic:  {"basic " + odd, "a secret " + odd, Basic},
		Post:   {"post", "another secret " + odd, Post},
		Public: {"public", "", Public},
	}
}

// missing skips a test whose server is not there, and fails it where CI=true.
func missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatal(what)
	}
	tb.Skip(what)
}

// Redirect is where oidc-provider sends browsers, at any port.
const Redirect = "http://127.0.0.1/callback"

// OIDCProvider is a new front of oidc-provider: a refresh token is good once, and a second time
// ends its family. All fronts of a test process share one server.
func OIDCProvider(tb testing.TB) *Server {
	tb.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(tb, "no Node on the PATH: install Node 20 or later")
	}
	modules, ok := child.Installed("oidc-provider")
	if !ok {
		missing(tb, "no oidc-provider in .venv/oidc-provider: `make test` installs it, where there is npm")
	}
	s := &Server{token: "/token", introspect: "/token/introspection", probe: "/me", clients: clients()}
	var known []map[string]any
	for _, c := range s.sorted() {
		one := map[string]any{
			"client_id": c.ID, "token_endpoint_auth_method": c.Method, "application_type": "native", "response_types": []string{"code"},
			"grant_types": []string{"authorization_code", "refresh_token"}, "redirect_uris": []string{Redirect},
		}
		if c.Secret != "" {
			one["client_secret"], one["grant_types"] = c.Secret, []string{"authorization_code", "refresh_token", "client_credentials"}
		}
		known = append(known, one)
	}
	s.serve(tb, []string{"MODULES=" + modules, "CLIENTS=" + text(tb, known)}, node, "--input-type=module", "-e", oidc)
	return s
}

// Toolkit starts django-oauth-toolkit with settings of its own. Fronts with the same settings share
// one server.
func Toolkit(tb testing.TB, settings map[string]any) *Server {
	tb.Helper()
	python, ok := child.Installed("django", "bin", "python")
	if !ok {
		missing(tb, "no django-oauth-toolkit in .venv/django: `make test` installs it, where there is Python")
	}
	s := &Server{token: "/o/token/", introspect: "/o/introspect/", probe: "/me", clients: clients()}
	delete(s.clients, Public)
	known := []map[string]any{{"client_id": "login", "client_secret": "x", "authorization_grant_type": "client-credentials"}}
	for _, c := range s.sorted() {
		known = append(known, map[string]any{
			"client_id": c.ID, "client_secret": c.Secret, "authorization_grant_type": "authorization-code",
			"redirect_uris": "https://x.example",
		})
	}
	s.clients["login"] = Client{"login", "x", Basic}
	s.serve(tb, nil, python, "-B", "-c", toolkit, text(tb, settings), text(tb, known))
	return s
}

var running = struct {
	sync.Mutex

	at map[string]string // by how they were started
}{at: map[string]string{}}

// serve starts the server, once, and a proxy.
func (s *Server) serve(tb testing.TB, env []string, name string, args ...string) {
	tb.Helper()
	running.Lock()
	defer running.Unlock()
	how := strings.Join(append(append(env, name), args...), "\n")
	address := running.at[how]
	var err error
	if address == "" {
		address, err = child.Serve(env, name, args...)
		running.at[how] = address
	}
	assert.NilError(tb, err)
	s.direct, err = url.Parse(address)
	assert.NilError(tb, err)
	s.Proxy = newProxy(tb, s.direct, s.token)
}

func text(tb testing.TB, value any) string {
	tb.Helper()
	encoded, err := json.Marshal(value)
	assert.NilError(tb, err)
	return string(encoded)
}

// sorted are the clients in an order that lasts.
func (s *Server) sorted() []Client {
	return slices.SortedFunc(maps.Values(s.clients), func(a, b Client) int { return strings.Compare(a.ID, b.ID) })
}

// Client is one by its method of authentication.
func (s *Server) Client(method string) Client { return s.clients[method] }

// Pair is a pair of tokens.
type Pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// Seed begins a chain of a client, without a browser.
func (s *Server) Seed(tb testing.TB, c Client) Pair {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet,
		s.direct.JoinPath("seed").String()+"?"+url.Values{"client_id": {c.ID}}.Encode(), http.NoBody)
	assert.NilError(tb, err)
	response, err := http.DefaultClient.Do(r)
	assert.NilError(tb, err)
	defer func() { _ = response.Body.Close() }()
	var p Pair
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil || p.Refresh == "" {
		tb.Fatalf("%s: %v", response.Status, err)
	}
	return p
}

// Credentials are a client's for refresh-oauth2, with more fields.
func (s *Server) Credentials(tb testing.TB, c Client, more map[string]any) secret.String {
	tb.Helper()
	fields := map[string]any{"token_url": s.URL + s.token, "client_id": c.ID, "token_endpoint_auth_method": c.Method}
	if c.Secret != "" {
		fields["client_secret"] = c.Secret
	}
	maps.Copy(fields, more)
	return secret.New(text(tb, fields))
}

// Introspection is the address that tells whether a token is active.
func (s *Server) Introspection() string { return s.URL + s.introspect }

// Probe is the address of a harmless call with an access token.
func (s *Server) Probe() string { return s.URL + s.probe }
