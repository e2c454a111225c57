package awshome_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"tokenrefresh/pkg/homes/awshome"
)

// script is an AWS that answers each operation with the next of its answers, and
// the last of them from then on.
type script struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string][]answer
	calls   []string
	bodies  []string // of the calls
}

// answer is a body with its status, or no answer where err is set.
type answer struct {
	status int
	body   string
	err    error
}

var errReset = errors.New("connection reset by the script")

func ok(body string) answer { return answer{status: http.StatusOK, body: body} }

func refusal(code string) answer { return refusalSaying(code, "said by AWS") }

func refusalSaying(code, message string) answer {
	return answer{status: http.StatusBadRequest, body: fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)}
}

func lost() answer { return answer{err: errReset} }

// Do implements aws.HTTPClient.
func (s *script) Do(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, operation)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.bodies = append(s.bodies, string(body))
	answers := s.answers[operation]
	if len(answers) == 0 {
		s.t.Errorf("unexpected %s", operation)
		return nil, errReset
	}
	if len(answers) > 1 {
		s.answers[operation] = answers[1:]
	}
	a := answers[0]
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"X-Amzn-Requestid": {"request-1"}}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

// clients are real clients over the script, which retry without waiting.
func (s *script) clients() *awshome.Clients {
	return awshome.FromConfig(aws.Config{
		Region:     "eu-west-1",
		HTTPClient: s,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
		}),
		Retryer: func() aws.Retryer { return retry.NewStandard(atOnce) },
	})
}

func atOnce(o *retry.StandardOptions) {
	o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
}
