package sandbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxRequest is far above what any of the documented requests needs.
const maxRequest = 1 << 20

// Call is one call to a provider, as OnActed sees it.
type Call struct {
	Provider Provider
	Op       Op
	Number   int  // counts the provider's calls from 1
	OK       bool // tokens were handed out
}

// backend is what differs between the providers.
type backend interface {
	// ops maps the paths that take a POST to what they do.
	ops() map[string]Op
	// read takes the request's fields out; a reply with a status refuses it.
	read(c *call) (input, reply)
	// act does what was asked, once.
	act(c *call, in input) reply
	// problem is the body of an error that has no occasion: a fault, a wrong method.
	problem(s settings, status int) reply
	credentials(base string) map[string]any
	secrets() []string
	issue() grant
	tokens() *chains
}

// oneEndpoint is a backend with one path for all operations, and others that hand out nothing.
type oneEndpoint interface {
	backend
	// op tells by the body what is wanted.
	op(body []byte) Op
	// serve answers a request that wants no tokens; false where there is none such.
	serve(w http.ResponseWriter, r *http.Request) bool
}

// input is a request's fields. refresh is the refresh token, under whatever name the
// provider has for it.
type input struct {
	refresh string
	fields  map[string]string
}

// call is one request on its way.
type call struct {
	req  *http.Request
	body []byte
	op   Op
	set  settings
}

// host serves one provider.
type host struct {
	provider Provider
	backend  backend
	now      func() time.Time
	acted    func(context.Context, Call)
	faults   queue
	stats    recorder

	url    string
	server *http.Server
	served chan struct{} // closed when the server has stopped accepting

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // calls; Add under mu and never after closed
}

// place is where a host is found.
type place struct {
	listen      string           // address to listen on
	host        string           // name in its URL
	certificate *tls.Certificate // nil: http
}

func startHost(p Provider, b backend, now func() time.Time,
	acted func(context.Context, Call), at place,
) (*host, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", net.JoinHostPort(at.listen, "0"))
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return nil, err
	}
	h := &host{provider: p, backend: b, now: now, acted: acted, served: make(chan struct{})}
	h.url = "http://" + net.JoinHostPort(at.host, port)
	if at.certificate != nil {
		h.url = "https://" + net.JoinHostPort(at.host, port)
		// HTTP/1.1 only: a connection lost then loses one reply.
		ln = tls.NewListener(ln, &tls.Config{
			Certificates: []tls.Certificate{*at.certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
	}
	h.server = &http.Server{
		Handler:           h,
		ConnState:         h.stats.connection,
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: time.Minute,
	}
	go func() {
		defer close(h.served)
		_ = h.server.Serve(ln) // ends with ErrServerClosed
	}()
	return h, nil
}

// close ends the calls by closing their connections, which ends their contexts.
func (h *host) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	_ = h.server.Close()
	<-h.served
	h.running.Wait()
}

// ServeHTTP finds out what is wanted and lets run do it.
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	h.running.Add(1)
	h.mu.Unlock()
	defer h.running.Done()
	w.Header().Set("Date", h.now().UTC().Format(http.TimeFormat))

	one, isOne := h.backend.(oneEndpoint)
	if isOne && one.serve(w, r) {
		return
	}
	op, ok := h.backend.ops()[r.URL.Path]
	if !ok {
		html(http.StatusNotFound).write(w)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.backend.problem(settings{}, http.StatusMethodNotAllowed).write(w)
		return
	}
	// Read to its end: the server notices then when the client goes away.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		h.backend.problem(settings{}, http.StatusBadRequest).write(w)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if isOne {
		op = one.op(body)
	}
	h.run(r.Context(), &call{req: r, body: body, op: op})(w)
}

// run reads the request, acts unless a fault forestalls it, calls the hook, and
// returns what sends the reply.
func (h *host) run(ctx context.Context, c *call) func(http.ResponseWriter) {
	plan := h.faults.take(c.op)
	c.set = plan.settings()
	in, refusal := h.backend.read(c)
	if f, ok := plan.answer(false); ok && f.unseen {
		in.refresh = ""
	}
	number := h.stats.arrived(c.op, in.refresh)
	defer h.stats.left(c.op, in.refresh)

	if !plan.wait(ctx, false) {
		return abort
	}
	if f, ok := plan.answer(false); ok {
		return func(w http.ResponseWriter) { f.answer(h, c, reply{}, w) }
	}
	rep := refusal
	if rep.status == 0 {
		rep = h.backend.act(c, in)
	}
	h.acted(ctx, Call{Provider: h.provider, Op: c.op, Number: number, OK: rep.ok})
	if !plan.wait(ctx, true) {
		return abort
	}
	if f, ok := plan.answer(true); ok {
		return func(w http.ResponseWriter) { f.answer(h, c, rep, w) }
	}
	return rep.write
}

// abort closes the connection without a reply.
func abort(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// reply is a reply to send.
type reply struct {
	ok     bool // hands out tokens
	status int
	kind   string // content type
	body   []byte
}

// success hands out tokens.
func success(body []byte) reply {
	return reply{ok: true, status: http.StatusOK, kind: "application/json", body: body}
}

func jsonReply(status int, body []byte) reply {
	return reply{status: status, kind: "application/json", body: body}
}

// html is what a gateway says, or a server about a path that it doesn't know.
func html(status int) reply {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return reply{status: status, kind: "text/html; charset=utf-8", body: fmt.Appendf(nil,
		"<html>\n<head><title>%s</title></head>\n<body><center><h1>%[1]s</h1></center></body>\n</html>\n", title)}
}

func (r reply) write(w http.ResponseWriter) {
	r.head(w, len(r.body))
	_, _ = w.Write(r.body) // the client may be gone
}

func (r reply) head(w http.ResponseWriter, length int) {
	header := w.Header()
	header.Set("Content-Type", r.kind)
	header.Set("Content-Length", strconv.Itoa(length))
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
	w.WriteHeader(r.status)
}
