package awsqueue_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/moto"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/homes/awsqueue"
)

const address = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"

// fake is an SQS that takes messages. The fields in capital letters are switches.
type fake struct {
	Attributes map[string]string
	Refuses    map[string]int // how often a body is refused
	Damages    string         // a body that arrives as another
	Fails      []int          // calls, from 0, that SQS denies

	calls int
	hosts []string
	taken []string // bodies
	sizes []int    // messages of each call
}

type entry struct {
	ID   string `json:"Id"`
	Body string `json:"MessageBody"`
}

// Do implements aws.HTTPClient.
func (f *fake) Do(r *http.Request) (*http.Response, error) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []entry
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.QueueURL != address {
		return nil, fmt.Errorf("a request for %q: %w", in.QueueURL, err)
	}
	f.hosts = append(f.hosts, r.URL.Host)
	f.calls++
	if slices.Contains(f.Fails, f.calls-1) {
		return answer(http.StatusForbidden, map[string]any{"__type": "AccessDenied", "message": "not allowed to sqs:sendmessage"})
	}
	switch r.Header.Get("X-Amz-Target") {
	case "AmazonSQS.GetQueueAttributes":
		return answer(http.StatusOK, map[string]any{"Attributes": f.Attributes})
	case "AmazonSQS.SendMessageBatch":
		return f.send(in.Entries)
	}
	return nil, errors.New("an unexpected call")
}

func (f *fake) send(entries []entry) (*http.Response, error) {
	taken, failed := []any{}, []any{}
	f.sizes = append(f.sizes, len(entries))
	for _, e := range entries {
		if f.Refuses[e.Body] > 0 {
			f.Refuses[e.Body]--
			failed = append(failed, map[string]any{"Id": e.ID, "Code": "InternalError", "Message": "try again", "SenderFault": false})
			continue
		}
		f.taken = append(f.taken, e.Body)
		stored := e.Body
		if stored == f.Damages {
			stored = "damaged"
		}
		sum := md5.Sum([]byte(stored))
		taken = append(taken, map[string]any{"Id": e.ID, "MessageId": "m-" + e.ID, "MD5OfMessageBody": hex.EncodeToString(sum[:])})
	}
	return answer(http.StatusOK, map[string]any{"Successful": taken, "Failed": failed})
}

func answer(status int, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(text)))}, err
}

func (f *fake) queue() *awsqueue.Queue {
	return awsqueue.New(aws.Config{
		Region:     "eu-west-1",
		HTTPClient: f,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
		}),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}, address)
}

// lists are n lists of one row each: 1, 2, …
func lists(n int) [][]int64 {
	var all [][]int64
	for i := range n {
		all = append(all, []int64{int64(i + 1)})
	}
	return all
}

func body(id int) string { return fmt.Sprintf(`{"account":"shop","transaction_ids":[%d]}`, id) }

func TestWaiting(t *testing.T) {
	t.Parallel()
	const visible, inFlight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
	for title, tt := range map[string]struct {
		f    *fake
		want int
		says string
	}{
		"none":       {&fake{Attributes: map[string]string{visible: "0", inFlight: "0"}}, 0, ""},
		"both":       {&fake{Attributes: map[string]string{visible: "7", inFlight: "35"}}, 42, ""},
		"unsaid":     {&fake{Attributes: map[string]string{visible: "7"}}, 0, inFlight + ` is ""`},
		"no numbers": {&fake{Attributes: map[string]string{visible: "many", inFlight: "0"}}, 0, visible + ` is "many"`},
		"denied":     {&fake{Fails: []int{0}}, 0, "not allowed"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got, err := tt.f.queue().Waiting(t.Context())
			assert.Check(t, got == tt.want && tt.f.calls == 1,
				"%d messages after %d calls, want %d", got, tt.f.calls, tt.want)
			wantError(t, err, tt.says)
		})
	}
}

// wantError wants an error with these words and the queue's name; without words, no error.
func wantError(t *testing.T, err error, says string) {
	t.Helper()
	if (err != nil) != (says != "") || err != nil && (!strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), address)) {
		t.Errorf("error %v, want one that says %q", err, says)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		f      *fake
		lists  int
		sizes  []int
		unsent []int
		says   string
	}{
		"ten in a call":       {&fake{}, 10, []int{10}, nil, ""},
		"more":                {&fake{}, 23, []int{10, 10, 3}, nil, ""},
		"one refused once":    {&fake{Refuses: map[string]int{body(12): 1}}, 23, []int{10, 10, 1, 3}, nil, ""},
		"one always refused":  {&fake{Refuses: map[string]int{body(12): 9}}, 23, []int{10, 10, 1, 3}, []int{11}, "1 messages refused: InternalError: try again"},
		"a call fails":        {&fake{Fails: []int{1}}, 23, []int{10, 3}, []int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, "not allowed"},
		"the second try does": {&fake{Refuses: map[string]int{body(2): 9}, Fails: []int{1}}, 3, []int{3}, []int{1}, "not allowed"},
		"one is damaged":      {&fake{Damages: body(2)}, 3, []int{3}, []int{0, 1, 2}, "checksum"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			unsent, err := tt.f.queue().Send(t.Context(), "shop", lists(tt.lists))
			wantError(t, err, tt.says)
			assert.Check(t, is.DeepEqual(unsent, tt.unsent), "unsent")
			assert.Check(t, is.DeepEqual(tt.f.sizes, tt.sizes), "messages a call")
			for i := range tt.lists {
				if tt.f.Damages == "" && slices.Contains(tt.f.taken, body(i+1)) == slices.Contains(unsent, i) {
					t.Errorf("list %d: unsent %v, taken %v", i, unsent, tt.f.taken)
				}
			}
		})
	}
}

// Against an emulated SQS: a message is an event for the function, SQS bills ten messages as one
// request, and a message in flight counts.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	server := moto.Start(t)
	created, err := server.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(moto.NewName("queue"))})
	assert.NilError(t, err)
	queue := awsqueue.New(awshome.FromConfig(server.Config()).SQS, *created.QueueUrl)
	sent := make([][]int64, 10)
	for i := range sent {
		for j := range 250 {
			sent[i] = append(sent[i], int64(1<<62+1000*i+j)) // as long as ids can be
		}
	}
	server.Calls()
	if unsent, err := queue.Send(t.Context(), "shop", sent); len(unsent) > 0 || err != nil {
		t.Fatalf("unsent %v: %v", unsent, err)
	}
	assert.Check(t, is.DeepEqual(server.Calls(), []string{"SendMessageBatch"}), "calls")
	size := 0
	var got [][]int64
	for len(got) < len(sent) {
		received, err := server.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: created.QueueUrl, MaxNumberOfMessages: 4})
		assert.Assert(t, err == nil && len(received.Messages) != 0, "%d messages came: %v", len(got), err)
		for _, message := range received.Messages {
			e, _, err := event.DecodeSweep([]byte(*message.Body))
			assert.Check(t, err == nil && e.Account == "shop", "account %q: %v", e.Account, err)
			got = append(got, e.TransactionIDs)
			size += len(*message.Body)
		}
		if n, err := queue.Waiting(t.Context()); n != len(sent) || err != nil {
			t.Errorf("%d messages wait: %v", n, err)
		}
	}
	slices.SortFunc(got, slices.Compare)
	assert.Check(t, is.DeepEqual(got, sent), "lists")
	assert.Check(t, size <= 64<<10, "ten messages of %d bytes", size)
}
