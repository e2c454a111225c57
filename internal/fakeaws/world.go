package fakeaws

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tokenrefresh/internal/authority"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
)

// World is an AWS and a provider over TLS for one function alone. Its credentials are in place.
type World struct {
	*AWS
	Sandbox *sandbox.Sandbox
	CA      *authority.Authority

	Secrets, Tables, Provider *Server

	// Env is the function's environment: as the template sets it, and the way to this world. Its
	// events go nowhere.
	Env map[string]string

	provider sandbox.Provider
}

// NewWorld makes the world of the function that root/template.yaml has under that logical id. dir
// takes a file of trusted roots. Close the world after use.
func NewWorld(root, dir, function string, provider sandbox.Provider) (w *World, err error) {
	loaded, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	stack, err := loaded.Stack(map[string]string{"ProviderEnvironment": "sandbox"})
	if err != nil {
		return nil, err
	}
	w = &World{provider: provider}
	if w.AWS, err = New(stack); err != nil {
		return nil, err
	}
	if w.Sandbox, err = sandbox.Start(sandbox.Options{}); err != nil {
		return nil, err
	}
	if w.CA, err = authority.New(); err != nil {
		return nil, err
	}
	for server, handler := range map[**Server]http.Handler{
		&w.Secrets: w.AWS, &w.Tables: w.AWS, &w.Provider: w.Sandbox.Handler(provider),
	} {
		if *server, err = Serve(w.CA, handler); err != nil {
			return nil, err
		}
	}
	roots, err := w.roots(dir)
	if err != nil {
		return nil, err
	}
	w.Env = stack.Environment(function)
	maps.Copy(w.Env, map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": w.Secrets.URL, "AWS_ENDPOINT_URL_DYNAMODB": w.Tables.URL,
		"SSL_CERT_FILE": roots, "EVENT_BUS": "", "SWEEP_QUEUE_URL": "",
	})
	w.PutSecret(w.Secret("credentials"), "first",
		strings.ReplaceAll(w.Sandbox.Credentials(provider), w.Sandbox.URL(provider), w.Provider.URL))
	return w, nil
}

// Secret is the name of a document of the function's first account.
func (w *World) Secret(document string) string {
	return w.Env["SECRET_PREFIX"] + "/" + string(w.provider) + "/" + w.Env["ACCOUNTS"] + "/" + document
}

// Seed puts a refresh token of the provider into tokens.
func (w *World) Seed() {
	w.PutSecret(w.Secret("tokens"), "first", fmt.Sprintf(`{"refresh_token":%q}`, w.Sandbox.Issue(w.provider).RefreshToken))
}

// bundles are where systems keep their trusted roots, Lambda's first.
var bundles = []string{"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"}

// roots writes what the function trusts: this world's authority and the system's roots, whose
// parsing is part of a cold start.
func (w *World) roots(dir string) (path string, err error) {
	text := w.CA.PEM()
	for _, path := range bundles {
		if system, err := os.ReadFile(path); err == nil {
			text = slices.Concat(system, []byte("\n"), text)
			break
		}
	}
	f, err := os.CreateTemp(dir, "roots-*.pem")
	if err != nil {
		return "", fmt.Errorf("write the trusted roots: %w", err)
	}
	_, err = f.Write(text)
	return f.Name(), errors.Join(err, f.Close())
}

// Servers are those of Secrets Manager, DynamoDB and the provider.
func (w *World) Servers() [3]*Server { return [3]*Server{w.Secrets, w.Tables, w.Provider} }

// Connections counts those of each server so far.
func (w *World) Connections() (counts [3]int) {
	for i, s := range w.Servers() {
		counts[i] = s.Connections()
	}
	return counts
}

// TakeCalls returns the calls of all servers since it was called last, in order of their start.
func (w *World) TakeCalls() []Call {
	var calls []Call
	for _, s := range w.Servers() {
		calls = append(calls, s.TakeCalls()...)
	}
	slices.SortFunc(calls, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return calls
}

// Close ends the servers.
func (w *World) Close() {
	for _, s := range w.Servers() {
		s.Close()
	}
	w.Sandbox.Close()
}
