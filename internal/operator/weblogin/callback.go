package weblogin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/secret"
)

// DefaultPath is where the browser is sent on this machine.
const DefaultPath = "/callback"

const (
	// headerWithin is how long a browser may take for a request.
	headerWithin = 10 * time.Second
	// pageWithin is how long the last page may take.
	pageWithin = time.Second
)

// Here reports whether a redirect URI is one at which this program can listen.
func Here(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	return err == nil && u.Scheme == "http" && credentials.Loopback(u.Hostname())
}

// Callback waits on this machine for the browser.
type Callback struct {
	// RedirectURI is the address, with the port that was chosen.
	RedirectURI string

	path      string
	listeners []net.Listener
}

// Listen listens at a redirect URI of this machine. One without a port gets a free one, as RFC
// 8252 has it.
func Listen(ctx context.Context, redirectURI string) (*Callback, error) {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return nil, errors.New("the redirect URI is no address")
	}
	hosts := []string{u.Hostname()}
	if net.ParseIP(u.Hostname()) == nil {
		hosts = []string{"127.0.0.1", "::1"} // browsers try either for localhost
	}
	c := &Callback{path: cmp.Or(u.Path, "/")}
	port := u.Port()
	for i, host := range hosts {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
		switch {
		case err == nil:
			c.listeners = append(c.listeners, listener)
			if address, ok := listener.Addr().(*net.TCPAddr); ok {
				port = strconv.Itoa(address.Port)
			}
		case i == 0:
			return nil, fmt.Errorf("wait for the browser at %s: %w (--redirect-port names another port, --paste does without)",
				redirectURI, err)
		}
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
		redirectURI = u.String()
	}
	c.RedirectURI = redirectURI
	return c, nil
}

// Close stops listening.
func (c *Callback) Close() {
	for _, listener := range c.listeners {
		_ = listener.Close()
	}
}

// answer is what the browser brought.
type answer struct {
	code secret.String
	err  error
}

// Await waits for the browser to bring the code. What is of note meanwhile goes to say: troubles,
// and requests that are refused because they are no answer to this login. Its error is a
// *DeniedError, or that of ctx.
func (c *Callback) Await(ctx context.Context, f *Flow, troubles <-chan error, say func(error)) (secret.String, error) {
	answers, strays := make(chan answer, 1), make(chan error, 1)
	server := &http.Server{
		ReadHeaderTimeout: headerWithin,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.serve(w, r, f, answers, strays)
		}),
	}
	for _, listener := range c.listeners {
		go func() { _ = server.Serve(listener) }()
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), pageWithin)
		defer cancel()
		_ = server.Shutdown(last) // the page is still on its way
		_ = server.Close()
	}()
	for {
		select {
		case a := <-answers:
			return a.code, a.err
		case err := <-strays:
			say(fmt.Errorf("a request was refused: %w", err))
		case err := <-troubles:
			say(fmt.Errorf("no browser could be opened: %w", err))
		case <-ctx.Done():
			return secret.String{}, ctx.Err()
		}
	}
}

// serve answers one request of a browser.
func (c *Callback) serve(w http.ResponseWriter, r *http.Request, f *Flow, answers chan<- answer, strays chan<- error) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the address holds the code
	header.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet || cmp.Or(r.URL.Path, "/") != c.path {
		http.NotFound(w, r)
		return
	}
	code, err := f.Answer(r.URL.Query())
	if errors.Is(err, ErrOtherLogin) || errors.Is(err, ErrNoCode) {
		offer(strays, err)
		http.Error(w, "This is no answer to the login that tokenctl waits for.", http.StatusBadRequest)
		return
	}
	offer(answers, answer{code, err})
	_, _ = fmt.Fprintln(w, "tokenctl has the answer. You may close this page and look at the terminal.")
}

// offer sends what nobody may want any more: a browser may ask twice.
func offer[T any](to chan<- T, value T) {
	select {
	case to <- value:
	default:
	}
}

// errNoDisplay: xdg-open would start a browser in this very terminal, if any.
var errNoDisplay = errors.New("there is no display")

// Browse opens the person's browser at an address: the one of $BROWSER, else the system's. It
// does not wait for it. The channel brings the error of one that cannot be opened.
func Browse(address string, getenv func(string) string) <-chan error {
	failed := make(chan error, 1)
	words := strings.Fields(getenv("BROWSER"))
	switch {
	case len(words) > 0:
	case runtime.GOOS == "darwin":
		words = []string{"open"}
	case runtime.GOOS == "windows":
		words = []string{"rundll32", "url.dll,FileProtocolHandler"}
	case getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "":
		failed <- errNoDisplay
		return failed
	default:
		words = []string{"xdg-open"}
	}
	// It outlives this command, and so no context ends it.
	cmd := exec.Command(words[0], append(words[1:], address)...) //nolint:noctx // the person's own choice
	if err := cmd.Start(); err != nil {
		failed <- err
		return failed
	}
	go func() {
		if err := cmd.Wait(); err != nil {
			failed <- err
		}
	}()
	return failed
}
