package acts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/acts"
	"tokenrefresh/pkg/announce"
)

var act = announce.Act{
	At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Act: "pause", Provider: "hesabe", Account: "shop-2", Tool: "tokenctl 1.2.3",
}

// cloud is an AWS with one function, with what acts need.
type cloud struct {
	mu     sync.Mutex
	lines  []string          // of the function's log
	events []json.RawMessage // on its bus
	bus    string            // the function's
	refuse string            // this operation
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if strings.Contains(r.URL.Path, "/functions/") {
		operation = "GetFunctionConfiguration"
	}
	refusal := ""
	switch {
	case operation == c.refuse && operation != "":
		refusal = "AccessDeniedException"
	case strings.HasSuffix(r.URL.Path, "/none/configuration"):
		refusal = "ResourceNotFoundException"
	}
	if refusal != "" {
		w.Header().Set("X-Amzn-Errortype", refusal)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"`+refusal+`"}`)
		return
	}
	var request struct {
		LogGroupName string `json:"logGroupName"`
		LogEvents    []struct {
			Message string `json:"message"`
		} `json:"logEvents"`
		Entries []struct{ EventBusName, Source, DetailType, Detail string }
	}
	_ = json.Unmarshal(body, &request)
	switch operation {
	case "GetFunctionConfiguration":
		_, _ = io.WriteString(w, `{"LoggingConfig":{"LogGroup":"/the/group"},"Environment":{"Variables":{"EVENT_BUS":"`+c.bus+`"}}}`)
	case "CreateLogStream":
		_, _ = io.WriteString(w, `{}`)
	case "PutLogEvents":
		c.lines = append(c.lines, request.LogGroupName+" "+request.LogEvents[0].Message)
		_, _ = io.WriteString(w, `{}`)
	case "PutEvents":
		e := request.Entries[0]
		c.events = append(c.events, json.RawMessage(e.Detail))
		c.lines = append(c.lines, e.EventBusName+" "+e.Source+" "+e.DetailType)
		_, _ = io.WriteString(w, `{"Entries":[{}]}`)
	default: // of STS
		_, _ = io.WriteString(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/op</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}
}

func record(t *testing.T, c *cloud, act announce.Act, functions ...string) error {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return acts.OnAWS(t.Context(), aws.Config{
		Region: "eu-west-1", BaseEndpoint: &server.URL, HTTPClient: server.Client(), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s"}, nil
		}),
	}, act, functions...)
}

// An act is in the function's log, like its own lines, and on its bus.
func TestAWS(t *testing.T) {
	t.Parallel()
	c := &cloud{bus: "the-bus"}
	assert.NilError(t, record(t, c, act, "s-refresh-hesabe"))
	want := []string{
		`/the/group {"time":"2026-03-01T12:00:00Z","level":"INFO","msg":"act","act":"pause","by":"arn:aws:iam::1:user/op",` +
			`"provider":"hesabe","account":"shop-2","tool":"tokenctl 1.2.3"}` + "\n",
		"the-bus token-refresh.operator Operator Acted",
	}
	assert.Check(t, is.DeepEqual(c.lines, want))
	const detail = `{"at":"2026-03-01T12:00:00Z","by":"arn:aws:iam::1:user/op","act":"pause","provider":"hesabe","account":"shop-2","tool":"tokenctl 1.2.3"}`
	assert.Check(t, len(c.events) == 1 && string(c.events[0]) == detail, "events %s", c.events)
}

// If events are off, an act is in the log alone; that of several functions is in the log of each
// that exists.
func TestAWSWithoutABus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		functions []string
		lines     int
		missing   bool
	}{
		{[]string{"s-refresh-hesabe", "s-refresh-tconnect"}, 2, false},
		{[]string{"s-refresh-hesabe", "none"}, 1, false},
		{[]string{"none"}, 0, true},
	} {
		c := &cloud{}
		err := record(t, c, act, tt.functions...)
		if len(c.lines) != tt.lines || (err != nil) != tt.missing || tt.missing && !strings.HasPrefix(err.Error(), "the function none: there is none") {
			t.Errorf("%s: %q, %v", tt.functions, c.lines, err)
		}
	}
}

// A missing permission is named in a person's words, before AWS's own, and affects nothing else.
func TestAWSThatRefuses(t *testing.T) {
	t.Parallel()
	for operation, says := range map[string]string{
		"GetFunctionConfiguration": "you may not use the function s-refresh-hesabe: ask for lambda:GetFunctionConfiguration on it. AWS says: ",
		"CreateLogStream":          "you may not use the log group /the/group: ask for logs:CreateLogStream on it. AWS says: ",
		"PutLogEvents":             "you may not use the log group /the/group: ask for logs:PutLogEvents on it. AWS says: ",
		"PutEvents":                "the bus the-bus did not take it: check the network, and the permission events:PutEvents. AWS says: ",
	} {
		c := &cloud{bus: "the-bus", refuse: operation}
		err := record(t, c, act, "s-refresh-hesabe")
		assert.Check(t, err != nil && strings.HasPrefix(err.Error(), says), "%s: %v", operation, err)
		if kept := len(c.events) == 1; kept != (operation == "CreateLogStream" || operation == "PutLogEvents") {
			t.Errorf("%s: it is on the bus: %v", operation, kept)
		}
	}
}

// On a machine an act is a line of the verb's log, with the user.
func TestOnMachine(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	acts.OnMachine(t.Context(), slog.New(slog.NewTextHandler(&text, nil)), act)
	assert.Check(t, is.Regexp("msg=act act=pause by=.+@.+ provider=hesabe account=shop-2", text.String()))
}
