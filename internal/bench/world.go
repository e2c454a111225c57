package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"tokenrefresh/internal/authority"
	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
)

// world is an AWS and a provider for one program alone, so that no program works on
// another's state.
type world struct {
	aws     *fakeaws.AWS
	sandbox *sandbox.Sandbox
	ca      *authority.Authority

	secrets, tables, provider *fakeaws.Server

	// env is the function's environment: as the template sets it, and the way to this world.
	env map[string]string
}

// newWorld makes the world of a function, with credentials in place. The template is that of
// the working directory.
func newWorld(p plan, function string, provider sandbox.Provider) (*world, error) {
	loaded, err := template.Load("template.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the template (run in the root of the project): %w", err)
	}
	w := &world{}
	stack, err := loaded.Stack(map[string]string{"ProviderEnvironment": "sandbox"})
	if err != nil {
		return nil, err
	}
	if w.aws, err = fakeaws.New(stack); err != nil {
		return nil, err
	}
	if w.sandbox, err = sandbox.Start(sandbox.Options{}); err != nil {
		return nil, err
	}
	if w.ca, err = authority.New(); err != nil {
		return nil, err
	}
	if w.secrets, err = fakeaws.Serve(w.ca, w.aws); err != nil {
		return nil, err
	}
	if w.tables, err = fakeaws.Serve(w.ca, w.aws); err != nil {
		return nil, err
	}
	if w.provider, err = fakeaws.Serve(w.ca, w.sandbox.Handler(provider)); err != nil {
		return nil, err
	}
	bundle, err := w.bundle(p.temporaryFiles)
	if err != nil {
		return nil, err
	}
	w.env = stack.Environment(function)
	maps.Copy(w.env, map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": w.secrets.URL,
		"AWS_ENDPOINT_URL_DYNAMODB":        w.tables.URL,
		"SSL_CERT_FILE":                    bundle,
		"EVENT_BUS":                        "", // events are not measured
		"SWEEP_QUEUE_URL":                  "",
	})
	w.aws.SetSecret(w.secret(provider, "credentials"),
		strings.ReplaceAll(w.sandbox.Credentials(provider), w.sandbox.URL(provider), w.provider.URL))
	return w, nil
}

func (w *world) secret(provider sandbox.Provider, document string) string {
	return w.env["SECRET_PREFIX"] + "/" + string(provider) + "/" + w.env["ACCOUNTS"] + "/" + document
}

// bundles are where the systems keep the roots, Lambda's first.
var bundles = []string{"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"}

// bundle writes what the programs trust: this world's authority and the system's roots, whose
// parsing is part of a cold start.
func (w *world) bundle(dir string) (string, error) {
	roots := w.ca.PEM()
	for _, path := range bundles {
		if text, err := os.ReadFile(path); err == nil {
			roots = slices.Concat(text, []byte("\n"), roots)
			break
		}
	}
	f, err := os.CreateTemp(dir, "roots-*.pem")
	if err != nil {
		return "", fmt.Errorf("write the trusted roots: %w", err)
	}
	_, err = f.Write(roots)
	return f.Name(), err
}

func (w *world) servers() []*fakeaws.Server {
	return []*fakeaws.Server{w.secrets, w.tables, w.provider}
}

func (w *world) setLatency(d time.Duration) {
	for _, s := range w.servers() {
		s.SetLatency(d)
	}
}

// connections counts those of Secrets Manager, DynamoDB and the provider.
func (w *world) connections() (counts [3]int) {
	for i, s := range w.servers() {
		counts[i] = s.Connections()
	}
	return counts
}

// takeCalls returns the calls since it was last called, in order of their start.
func (w *world) takeCalls() []fakeaws.Call {
	var calls []fakeaws.Call
	for _, s := range w.servers() {
		calls = append(calls, s.TakeCalls()...)
	}
	slices.SortFunc(calls, func(a, b fakeaws.Call) int { return a.Start.Compare(b.Start) })
	return calls
}

func (w *world) close() {
	for _, s := range w.servers() {
		s.Close()
	}
	w.sandbox.Close()
}
