package awshome

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

const (
	// attempts and maxBackoff: a run has seconds, and the next tick tries again.
	attempts   = 3
	maxBackoff = time.Second
)

// Tuning has the settings of the connections. The zero value suits a function that works on one
// credential at a time.
type Tuning struct {
	// ConnectionsPerHost is how many connections to a host there may be, all of which are
	// kept: as many as calls are made at once. More calls wait for one. 0 means 4.
	ConnectionsPerHost int
	// Dial stands in for the network, TLS included; nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// FromEnvironment makes the clients of a function from the variables that Lambda sets: AWS_REGION
// or AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; and, as AWS's
// tools do, AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SQS,
// AWS_ENDPOINT_URL_EVENTBRIDGE, AWS_ENDPOINT_URL, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT
// (for subnets with IPv6 alone) and AWS_CA_BUNDLE. It reads no profile and makes no call;
// config.LoadDefaultConfig would double a function's start. One error lists all mistakes. If the
// SAM CLI runs the function on a person's machine (AWS_SAM_LOCAL), AWS's own endpoints are refused.
//
// HTTPS_PROXY is ignored: calls to providers never take a proxy from the environment, so a function
// needs a way out without one in any case.
func FromEnvironment(getenv func(string) string, tuning Tuning) (*Clients, error) {
	e := environment{getenv: getenv}
	cfg := aws.Config{
		Region:      e.required("AWS_REGION", "AWS_DEFAULT_REGION"),
		Credentials: e.credentials(),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, maxBackoff })
		},
	}
	manager := e.endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL")
	dynamo := e.endpoint("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL")
	queues := e.endpoint("AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL")
	events := e.endpoint("AWS_ENDPOINT_URL_EVENTBRIDGE", "AWS_ENDPOINT_URL")
	ways := variant{fips: e.flag("AWS_USE_FIPS_ENDPOINT"), dual: e.flag("AWS_USE_DUALSTACK_ENDPOINT")}
	roots := e.roots()
	e.emulated(manager, dynamo, queues, events)
	if err := errors.Join(e.mistakes...); err != nil {
		return nil, err
	}
	cfg.HTTPClient = newHTTPClient(roots, tuning)
	cfg.ConfigSources = []any{ways}
	at := func(endpoint *string) aws.Config {
		there := cfg.Copy()
		there.BaseEndpoint = endpoint
		return there
	}
	return newClients(at(manager), at(dynamo), at(queues), at(events)), nil
}

// emulated refuses AWS's own endpoints in a container of the SAM CLI. That sets AWS_SAM_LOCAL and
// passes the credentials of the person at the keyboard, so a trial would change real secrets.
func (e *environment) emulated(endpoints ...*string) {
	if e.getenv("AWS_SAM_LOCAL") == "true" && slices.Contains(endpoints, nil) {
		e.wrong("AWS_ENDPOINT_URL is not set: sam local would reach the real AWS; use --config-env local, " +
			"and unset AWS_ENDPOINT_URL in your shell")
	}
}

// variant chooses which of a service's addresses the SDK calls, as its own configuration does.
type variant struct{ fips, dual bool }

// GetUseFIPSEndpoint is asked by each client of the SDK.
func (v variant) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, v.fips, nil
}

// GetUseDualStackEndpoint is asked by each client of the SDK.
func (v variant) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, v.dual, nil
}

// environment reads variables and collects their mistakes.
type environment struct {
	getenv   func(string) string
	mistakes []error
}

func (e *environment) wrong(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	// AWS_ENDPOINT_URL is read for all services, and its mistake is reported once.
	if !slices.ContainsFunc(e.mistakes, func(told error) bool { return told.Error() == err.Error() }) {
		e.mistakes = append(e.mistakes, err)
	}
}

// first returns the first of the variables that is set.
func (e *environment) first(names ...string) (name, value string) {
	for _, name := range names {
		if value := e.getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

func (e *environment) required(names ...string) string {
	_, value := e.first(names...)
	if value == "" {
		e.wrong("%s is not set", strings.Join(names, " or "))
	}
	return value
}

// credentials are fixed: Lambda replaces the process before they expire.
func (e *environment) credentials() aws.CredentialsProvider {
	credentials := aws.Credentials{
		AccessKeyID:     e.required("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: e.required("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    e.getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
}

func (e *environment) flag(name string) bool {
	value := strings.ToLower(e.getenv(name))
	if value != "" && value != "true" && value != "false" {
		e.wrong("%s is neither true nor false", name)
	}
	return value == "true"
}

// endpoint returns nil for AWS's own endpoint.
func (e *environment) endpoint(names ...string) *string {
	name, value := e.first(names...)
	if value == "" {
		return nil
	}
	// The address is not quoted: it may carry a password.
	if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		e.wrong("%s is not an http or https address such as https://host:port", name)
	}
	return &value
}

// roots returns nil for the system's roots.
func (e *environment) roots() *x509.CertPool {
	path := e.getenv("AWS_CA_BUNDLE")
	if path == "" {
		return nil
	}
	pem, err := os.ReadFile(path) //nolint:gosec // the person who deploys names it
	if err != nil {
		e.wrong("AWS_CA_BUNDLE: %w", err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		e.wrong("AWS_CA_BUNDLE: no certificate in %s", path)
	}
	return pool
}
