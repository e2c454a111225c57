// Package eventbridge puts events on a bus of Amazon EventBridge, without the SDK's client, which
// would add 170 KB to each function and time to each cold start.
package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/signed"
)

// The sources of events. Readers and operators have sources of their own, so that they cannot pass
// for a function.
const (
	Source         = "token-refresh"
	ReaderSource   = "token-refresh.reader"
	OperatorSource = "token-refresh.operator"
)

const (
	// atOnce is the most entries that a call takes.
	atOnce = 10
	// tries is two, because a connection that died while the function was frozen costs one.
	tries = 2
)

// Client calls EventBridge. Without an endpoint, in a region that has none, each Put fails.
type Client signed.Client

// Bus returns the bus of that name.
func (c Client) Bus(name string) *Bus { return &Bus{client: signed.Client(c), name: name} }

// Bus is an event bus. It is safe for concurrent use.
type Bus struct {
	client signed.Client
	name   string
}

var _ announce.Bus = (*Bus)(nil)

// entry is one event as the API takes it.
type entry struct {
	EventBusName string
	Source       string
	DetailType   announce.Type
	Detail       string // JSON
	Time         int64  // seconds
}

// Put implements announce.Bus with one call for each ten events.
func (b *Bus) Put(ctx context.Context, events []announce.Event) error {
	var failures []error
	for some := range slices.Chunk(events, atOnce) {
		var entries []entry
		for _, e := range some {
			e.Error = brief.Text(e.Error, brief.MaxError) // an entry has 256 KB
			entries = append(entries, b.entry(Source, e.Type, e.At, e))
		}
		failures = append(failures, b.deliver(ctx, entries...))
	}
	return errors.Join(failures...)
}

// Reject reports to the refresh function a published token that the provider refuses. It needs the
// managed policy of the stack's output RejectionTeller.
func (b *Bus) Reject(ctx context.Context, r announce.Rejection) error {
	return b.deliver(ctx, b.entry(ReaderSource, announce.Rejected, time.Now(), r))
}

// ReportAct puts what a person has done on the bus.
func (b *Bus) ReportAct(ctx context.Context, a announce.Act) error {
	return b.deliver(ctx, b.entry(OperatorSource, announce.Acted, a.At, a))
}

func (b *Bus) entry(source string, what announce.Type, at time.Time, detail any) entry {
	text, err := json.Marshal(detail)
	if err != nil {
		panic(fmt.Sprintf("write an event: %v", err)) // of texts and numbers there is no error
	}
	return entry{b.name, source, what, string(text), at.Unix()}
}

// deliver sends the entries, and once more those that were not taken.
func (b *Bus) deliver(ctx context.Context, entries ...entry) error {
	var err error
	for range tries {
		if entries, err = b.send(ctx, entries); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("put events on the bus %s: %w", b.name, err)
	}
	return nil
}

// answer is PutEvents's: an entry without an error code was taken.
type answer struct {
	Entries []struct{ ErrorCode string }
	Type    string `json:"__type"` // of an error that is about the call, such as a missing permission
	Message string
}

// send makes one call and returns the entries that are not known to have been taken, and
// why.
func (b *Bus) send(ctx context.Context, entries []entry) ([]entry, error) {
	body, err := json.Marshal(struct{ Entries []entry }{entries})
	if err != nil {
		return entries, err
	}
	if b.client.Endpoint == "" {
		return entries, fmt.Errorf("the region %s has no endpoint of EventBridge: set AWS_ENDPOINT_URL_EVENTBRIDGE", b.client.Region)
	}
	response, _, err := b.client.Post(ctx, "events", "AWSEvents.PutEvents", "application/x-amz-json-1.1", body)
	if err != nil {
		return entries, err
	}
	defer func() { _ = response.Body.Close() }()
	var a answer
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	switch {
	case response.StatusCode != http.StatusOK:
		return entries, fmt.Errorf("status %d %s %s", response.StatusCode, a.Type, a.Message)
	case err != nil:
		return entries, fmt.Errorf("read the answer: %w", err)
	case len(a.Entries) != len(entries):
		return entries, fmt.Errorf("%d events were sent, the answer is about %d", len(entries), len(a.Entries))
	}
	var refused []entry
	for i, taken := range a.Entries {
		if taken.ErrorCode != "" {
			refused = append(refused, entries[i])
			err = errors.New(taken.ErrorCode)
		}
	}
	return refused, err
}
