package awsreader_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// script is an AWS that answers each operation with one error, or with a body.
type script struct {
	mu      sync.Mutex
	answers map[string]string // a body, or an error code
	calls   []string
	bodies  []string
}

// Do implements aws.HTTPClient.
func (s *script) Do(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.bodies = append(s.calls, operation), append(s.bodies, string(body))
	status, text := http.StatusOK, s.answers[operation]
	if !strings.HasPrefix(text, "{") {
		status, text = http.StatusBadRequest, fmt.Sprintf(`{"__type":%q,"message":"said by AWS"}`, text)
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// errorOf is the error of a call that also returns a value.
func errorOf[T any](_ T, err error) error { return err }

func (s *script) config() aws.Config {
	return aws.Config{
		Region: "eu-west-1", HTTPClient: s,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
		}),
	}
}
