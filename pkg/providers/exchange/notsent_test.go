package exchange_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

func TestNothingListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	address := listener.Addr().String()
	_ = listener.Close()
	for _, scheme := range []string{"http://", "https://"} {
		_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, scheme+address))
		wantError(t, err, providers.NotSent, "no connection to "+address)
	}
}

func TestUnknownHost(t *testing.T) {
	t.Parallel()
	client := exchange.New(exchange.Options{})
	client.DialWith(func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "gone.example"}}
	})
	_, err := client.Post(t.Context(), request(t, "https://gone.example"))
	wantError(t, err, providers.NotSent, "no address is known for gone.example")
	var dns *net.DNSError
	assert.Check(t, errors.As(err, &dns), "the cause is not to be found in %v", err)
}

// Hesabe may drop packets of addresses that it doesn't know.
func TestDialThatHangs(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]net.Conn{"no connection": nil, "one that comes too late": mute{t: t}} {
		synctest.Test(t, func(t *testing.T) {
			client := exchange.New(exchange.Options{Timeout: 4 * time.Second})
			client.DialWith(func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				if give != nil {
					return give, nil
				}
				return nil, ctx.Err()
			})
			start := time.Now()
			_, err := client.Post(t.Context(), request(t, "http://silent.example"))
			wantError(t, err, providers.NotSent, "within 4s: does the provider allow this address?")
			took := time.Since(start)
			assert.Check(t, took == 4*time.Second, "%s: took %s", name, took)
		})
	}
}

// mute is a connection that must not be written to.
type mute struct {
	net.Conn
	t *testing.T
}

func (m mute) Write(p []byte) (int, error) {
	m.t.Errorf("%d bytes left", len(p))
	return len(p), nil
}

func (mute) SetWriteDeadline(time.Time) error { return nil }
func (mute) SetReadDeadline(time.Time) error  { return nil }
func (mute) Read([]byte) (int, error)         { return 0, io.EOF }
func (mute) Close() error                     { return nil }

func TestHandshakeThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := pipeTo(exchange.Options{Timeout: 4 * time.Second}, func(conn net.Conn, _ *bufio.Reader) {
			for { // takes everything, says nothing
				if _, err := conn.Read(make([]byte, 1024)); err != nil {
					return
				}
			}
		})
		_, err := client.Post(t.Context(), request(t, "https://silent.example"))
		wantError(t, err, providers.NotSent, "silent.example: it takes connections, but does not finish the TLS handshake")
	})
}

// A server that prefers HTTP/2 gets HTTP/1.1: there a connection carries one request at a time.
func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Check(t, r.ProtoMajor == 1, "the request came by %s", r.Proto)
		_, _ = w.Write([]byte("{}"))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	reply, err := exchange.New(exchange.Options{RootCAs: roots}).Post(t.Context(), request(t, server.URL))
	assert.Check(t, err == nil && reply.Body.Reveal() == "{}", "reply %+v, %v", reply, err)
}

func TestContextThatHasEnded(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request left") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := exchange.New(exchange.Options{}).Post(ctx, request(t, server.URL))
	wantError(t, err, providers.NotSent, "the run ended before the request was sent")
	assert.Check(t, errors.Is(err, context.Canceled), "%v is not context.Canceled", err)
}

func TestContextThatEndsWhileDialling(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := exchange.New(exchange.Options{})
	client.DialWith(func(context.Context, string, string) (net.Conn, error) {
		cancel()
		return nil, context.Canceled
	})
	_, err := client.Post(ctx, request(t, "https://slow.example"))
	wantError(t, err, providers.NotSent, "the run ended before the request was sent")
}

// lastRead is what an answer may take beyond its time.
const lastRead = 250 * time.Millisecond

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer string
		body   string
	}{
		"no answer":       {"", ""},
		"headers at most": {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n", ""},
		"half a body":     {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nplanted-reply", "planted-reply"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := pipeTo(exchange.Options{}, func(conn net.Conn, requests *bufio.Reader) {
					if readRequest(requests) == nil {
						_, _ = conn.Write([]byte(tc.answer))
						_, _ = requests.ReadByte() // until the client hangs up
					}
				})
				post := func(ctx context.Context, hint string) {
					start := time.Now()
					reply, err := client.Post(ctx, request(t, "http://slow.example"))
					if tc.body != "" && err == nil {
						err = reply.Cut
					}
					e := wantError(t, err, providers.Unknown, hint)
					assert.Check(t, reply.Body.Reveal() == tc.body && e.Sent.Equal(start),
						"body %q, sent at %s", reply.Body.Reveal(), e.Sent)
				}
				start := time.Now()
				post(t.Context(), "no complete answer within 10s")
				took := time.Since(start)
				assert.Check(t, took == 10*time.Second+lastRead, "it took %s", took)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				post(ctx, "the run ended before the whole answer came")
			})
		})
	}
}

// A process that was frozen finds its timers expired and the answer in its socket.
func TestAnswerThatIsThereWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for after, ok := range map[time.Duration]bool{
		10*time.Second + lastRead/2: true,
		10*time.Second + lastRead*2: false,
	} {
		for _, ends := range []bool{false, true} { // the run's time, or the call's own
			synctest.Test(t, func(t *testing.T) {
				client := pipeTo(exchange.Options{}, func(conn net.Conn, requests *bufio.Reader) {
					if readRequest(requests) == nil {
						time.Sleep(after)
						_, _ = io.WriteString(conn, okAnswer)
					}
				})
				ctx := t.Context()
				if ends {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
					defer cancel()
				}
				reply, err := client.Post(ctx, request(t, "http://frozen.example"))
				if ok && (err != nil || reply.Cut != nil || reply.Body.Reveal() != "{}") {
					t.Errorf("after %s: %+v, %v", after, reply, err)
				} else if !ok {
					wantError(t, err, providers.Unknown, "")
				}
				time.Sleep(time.Second) // for the peer to end
			})
		}
	}
}
