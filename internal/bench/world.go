package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"tokenrefresh/internal/bench/awsfake"
	"tokenrefresh/internal/bench/endpoint"
)

// systemBundles is where the systems keep the roots, Lambda's first. A bundle of
// realistic size matters: parsing it is part of a cold start.
var systemBundles = []string{
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/ssl/cert.pem",
}

// trust writes the bundle that the programs trust: the system's roots and the
// authority of the fakes.
func trust(path string, ca *endpoint.Authority) error {
	roots := ca.PEM()
	for _, bundle := range systemBundles {
		if text, err := os.ReadFile(bundle); err == nil {
			roots = append(append(text, '\n'), roots...)
			break
		}
	}
	if err := os.WriteFile(path, roots, 0o600); err != nil {
		return fmt.Errorf("write the trusted roots: %w", err)
	}
	return nil
}

const (
	prefix = "token-refresh"
	ledger = "token-refresh-ledger"
)

// world is what one program finds around it: an AWS and a Hesabe of its own, with a
// refresh token in place, so that no program works on another's state.
type world struct {
	secretsManager, dynamoDB, hesabe *endpoint.Endpoint
}

func newWorld(ctx context.Context, ca *endpoint.Authority) (*world, error) {
	provider := &hesabe{}
	secret := func(document string) string { return prefix + "/hesabe/default/" + document }
	secrets := awsfake.NewSecrets(secret("credentials"), secret("tokens"), secret("access"))
	tables := awsfake.NewDynamoDB()
	tables.CreateTable(ledger, "provider", "account")

	w := &world{}
	var err error
	if w.hesabe, err = endpoint.Start(ctx, ca, "Hesabe", provider); err != nil {
		return nil, err
	}
	if w.secretsManager, err = endpoint.Start(ctx, ca, "Secrets Manager", secrets); err != nil {
		return nil, err
	}
	if w.dynamoDB, err = endpoint.Start(ctx, ca, "DynamoDB", tables); err != nil {
		return nil, err
	}
	secrets.Set(secret("credentials"), fmt.Sprintf(`{"username":"bench","password":"bench","base_url":%q}`, w.hesabe.URL()))
	secrets.Set(secret("tokens"), fmt.Sprintf(`{"refresh_token":%q}`, provider.seed()))
	return w, nil
}

// env is the environment that leads a program into this world.
func (w *world) env(bundle string) map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": w.secretsManager.URL(),
		"AWS_ENDPOINT_URL_DYNAMODB":        w.dynamoDB.URL(),
		"SECRET_PREFIX":                    prefix,
		"LEDGER_TABLE":                     ledger,
		"ACCOUNTS":                         "default",
		"PROVIDER_ENVIRONMENT":             "sandbox",
		"LOG_LEVEL":                        "info",
		"SSL_CERT_FILE":                    bundle,
	}
}

func (w *world) endpoints() []*endpoint.Endpoint {
	return []*endpoint.Endpoint{w.secretsManager, w.dynamoDB, w.hesabe}
}

func (w *world) setLatency(d time.Duration) {
	for _, e := range w.endpoints() {
		e.SetLatency(d)
	}
}

// connections counts what the programs have opened so far.
func (w *world) connections() connections {
	return connections{
		SecretsManager: w.secretsManager.Connections(),
		DynamoDB:       w.dynamoDB.Connections(),
		Hesabe:         w.hesabe.Connections(),
	}
}

// takeCalls returns the calls since it was last called, in order of their start.
func (w *world) takeCalls() []endpoint.Call {
	var calls []endpoint.Call
	for _, e := range w.endpoints() {
		calls = append(calls, e.TakeCalls()...)
	}
	slices.SortFunc(calls, func(a, b endpoint.Call) int { return a.Start.Compare(b.Start) })
	return calls
}

func (w *world) close() {
	for _, e := range w.endpoints() {
		e.Close()
	}
}

// connections are counts by service.
type connections struct {
	SecretsManager int `json:"secrets_manager"`
	DynamoDB       int `json:"dynamodb"`
	Hesabe         int `json:"hesabe"`
}

func (c connections) sum() int { return c.SecretsManager + c.DynamoDB + c.Hesabe }

func (c connections) plus(d connections) connections {
	return connections{c.SecretsManager + d.SecretsManager, c.DynamoDB + d.DynamoDB, c.Hesabe + d.Hesabe}
}

func (c connections) minus(d connections) connections {
	return connections{c.SecretsManager - d.SecretsManager, c.DynamoDB - d.DynamoDB, c.Hesabe - d.Hesabe}
}

func (c connections) String() string {
	return fmt.Sprintf("Secrets Manager %d, DynamoDB %d, Hesabe %d", c.SecretsManager, c.DynamoDB, c.Hesabe)
}
