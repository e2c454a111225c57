package moto

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"gotest.tools/v3/assert"
)

const region = "eu-west-1"

// Server is one test's front. Fronts share moto's state: use NewName for what a test
// creates.
type Server struct {
	Answers

	URL string // the endpoint of every service

	Direct         aws.Config             // for what a test arranges and looks up,
	SecretsManager *secretsmanager.Client // past the front: not in Calls
	DynamoDB       *dynamodb.Client
	SQS            *sqs.Client

	process *process
	proxy   *httputil.ReverseProxy
	tables  *httputil.ReverseProxy // to DynamoDB Local; nil: moto has the tables too

	mu     sync.Mutex
	calls  []string
	faults map[string][]Fault
}

// Fault is what happens to a call.
type Fault int

// The faults.
const (
	None      Fault = iota
	LoseReply       // done, but the connection is cut before the answer
	Refuse          // not done: 503, as of a service in trouble
	Throttle        // not done: ThrottlingException
)

// Start returns a front for this test. Where there is no moto_server the test is
// skipped, but fails where CI=true.
func Start(t testing.TB) *Server {
	t.Helper()
	s, front := open(t)
	t.Cleanup(front.Close)
	return s
}

// Shared is Start, for a front that outlives the test.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, _ := open(t)
	return s
}

func open(t testing.TB) (*Server, *httptest.Server) {
	t.Helper()
	p := nextProcess()
	address, err := p.address()
	if errors.Is(err, errNotInstalled) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	assert.NilError(t, err)
	s := &Server{process: p, proxy: httputil.NewSingleHostReverseProxy(address), faults: map[string][]Fault{}}
	s.proxy.ModifyResponse = s.change
	s.Reset()
	tables, err := dynamoDBLocal()
	assert.NilError(t, err)
	direct := config(address.String())
	s.Direct, s.SecretsManager, s.SQS = direct, secretsmanager.NewFromConfig(direct), sqs.NewFromConfig(direct)
	if tables != nil {
		s.tables = httputil.NewSingleHostReverseProxy(tables)
		direct = config(tables.String())
	}
	s.DynamoDB = dynamodb.NewFromConfig(direct)
	front := httptest.NewServer(s) // last: requests of other processes read all of the above
	s.URL = front.URL
	return s, front
}

// Config is for the clients of what is tested.
func (s *Server) Config() aws.Config { return config(s.URL) }

func config(endpoint string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "testing", SecretAccessKey: "testing"}, nil
		}),
	}
}

// Environment is what a child process needs to find the front, as "key=value".
func (s *Server) Environment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.URL,
		"AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=testing",
		"AWS_SECRET_ACCESS_KEY=testing",
		"AWS_SESSION_TOKEN=testing",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Calls returns the operations called so far, in order of arrival, and forgets them.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// Play queues faults for the next calls of an operation, such as "PutSecretValue".
func (s *Server) Play(operation string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[operation] = append(s.faults[operation], faults...)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	operation := operationOf(r, string(body))
	if s.instead(w, r, operation, body) {
		return
	}
	switch s.arrived(operation) {
	case Refuse:
		http.Error(w, `{"__type":"InternalServiceError"}`, http.StatusServiceUnavailable)
	case Throttle:
		http.Error(w, `{"__type":"ThrottlingException"}`, http.StatusBadRequest)
	case LoseReply:
		s.forward(httptest.NewRecorder(), r, operation, body)
		panic(http.ErrAbortHandler)
	case None:
		s.forward(w, r, operation, body)
	}
}

func (s *Server) arrived(operation string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, operation)
	faults := s.faults[operation]
	if len(faults) == 0 {
		return None
	}
	s.faults[operation] = faults[1:]
	return faults[0]
}

// forward carries a request to moto, or to DynamoDB Local, which needs no lock.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, operation string, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if s.tables != nil && strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
		s.tables.ServeHTTP(w, r)
		return
	}
	s.process.oneAtATime.Lock()
	defer s.process.oneAtATime.Unlock()
	if operation == "PutSecretValue" && s.known(w, r, body) {
		return
	}
	r.Header.Set(operationHeader, operation)
	s.proxy.ServeHTTP(w, r)
}
