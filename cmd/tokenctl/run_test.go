package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
)

var hesabeKey = store.Key{Provider: "hesabe", Account: "default"}

// due makes Hesabe's chain due now.
func (w *world) due(t *testing.T) {
	t.Helper()
	_, _, err := refresh.DueNow(t.Context(), w.Secrets, w.Ledger, hesabeKey, time.Now())
	assert.NilError(t, err)
}

// A service starts, refreshes, works beside other commands on its file and ends on a signal.
func TestRun(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe, sandbox.TConnect, sandbox.Berbix)
	s.record(t, s.AddTransaction())
	systemd, env := listen(t)

	p := s.start(t, env, "run", "--every", "1h", "--json")
	p.await(t, `"msg":"started"`, "embedded /", "hesabe", "tconnect", "berbix")
	systemd.hears(t, "READY=1")
	for range 3 {
		p.await(t, `"msg":"run"`, `"run_id"`, `"AccessTokenExpiresIn"`) // one a provider, in any order
	}
	for _, part := range []string{`"outcome":"logged_in"`, `"outcomes":{"refreshed":1}`} {
		assert.Check(t, strings.Contains(p.said.text(), part), "no %s:\n%s", part, p.said.text())
	}
	assert.Check(t, !strings.Contains(p.said.text(), "_aws"), "it writes for CloudWatch")
	s.published(t, sandbox.Hesabe)
	s.published(t, sandbox.TConnect)
	s.run(t, "", "refresh", "--provider", "hesabe").want(t, exitDone, "not_due")

	p.stops(t, syscall.SIGTERM)
	p.await(t, `"msg":"ended"`)
	systemd.hears(t, "STOPPING=1")
	s.quiet(t, p.said.text())
}

// A service that is killed after the provider's answer and before it is stored does not present
// that token again after its restart.
func TestRunIsKilledAmidASend(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe)
	first := s.start(t, nil, "run", "--every", "1h")
	first.await(t, "outcome=logged_in")
	first.stops(t, syscall.SIGTERM)

	s.due(t)
	dies := make(chan *process, 1)
	s.OnActed(func(context.Context, sandbox.Call) {
		p := <-dies
		_ = p.Process.Kill()
		dies <- p
	})
	second := s.start(t, nil, "run", "--every", "1h")
	dies <- second
	second.ended(t, killed, syscall.SIGKILL)
	s.OnActed(func(context.Context, sandbox.Call) {})

	third := s.start(t, nil, "run", "--every", "1s")
	third.await(t, "provider=hesabe", "outcomes=map[busy:1]")
	row, _ := s.row(t, "hesabe", "default")
	assert.Assert(t, row.Phase == store.Sending, "phase %s", row.Phase)
	row.ClaimedUntil = time.Now().Add(-time.Second)
	assert.NilError(t, s.Ledger.Write(t.Context(), row, store.Guard{Fence: row.Fence}))
	third.await(t, "provider=hesabe", "outcome=logged_in")
	third.stops(t, syscall.SIGINT)
	s.published(t, sandbox.Hesabe)
	if stats := s.Stats(sandbox.Hesabe); stats.Refreshes != 1 || stats.Logins != 2 {
		t.Errorf("%d refreshes and %d logins, want 1 and 2", stats.Refreshes, stats.Logins)
	}
	s.quiet(t, first.said.text(), second.said.text(), third.said.text())
}

// A service that gets a signal during a call stores the reply first. Only a second signal ends it
// at once.
func TestRunIsToldToEndAmidASend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		insist bool
		code   int
		by     syscall.Signal
	}{
		"it finishes": {false, exitDone, 0},
		"it is urged": {true, killed, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := embeddedWorld(t).provision(t, sandbox.Hesabe)
			s.run(t, "", "refresh").want(t, exitDone, "logged_in")
			s.due(t)
			systemd, env := listen(t)
			gate := sandbox.NewGate()
			s.Inject(sandbox.Hesabe, sandbox.Refresh, 1, sandbox.Hold(gate).AfterActing())

			p := s.start(t, append(env, "WATCHDOG_USEC=20000"), "run", "--every", "1h")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := gate.Await(ctx, 1)
			assert.Assert(t, err == nil, "%v:\n%s", err, p.said.text())
			p.signal(t, syscall.SIGTERM)
			p.await(t, "ending when the runs under way are done")
			systemd.hears(t, "STOPPING=1")
			systemd.hears(t, "WATCHDOG=1")
			if tt.insist {
				p.signal(t, syscall.SIGTERM)
				p.ended(t, tt.code, tt.by)
				return
			}
			gate.Release()
			p.ended(t, tt.code, tt.by)
			p.await(t, "outcome=refreshed")
			s.published(t, sandbox.Hesabe)
			s.quiet(t, p.said.text())
		})
	}
}

// An engine that hangs on its provider must not delay those of the others.
func TestRunOfAProviderThatHangs(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe, sandbox.TConnect)
	gate := sandbox.NewGate()
	s.Inject(sandbox.Hesabe, sandbox.Login, 1, sandbox.Hold(gate))
	p := s.start(t, nil, "run", "--every", "1s")
	p.await(t, "provider=tconnect", "outcome=logged_in")
	p.await(t, "provider=tconnect", "outcomes=map[not_due:1]")
	assert.Check(t, !strings.Contains(p.said.text(), "provider=hesabe"), "hesabe did not hang:\n%s", p.said.text())
	gate.Release()
	p.await(t, "provider=hesabe", "outcome=logged_in")
	p.stops(t, syscall.SIGTERM)
}

// The next tick sees credentials that were seeded while it runs.
func TestRunOfAnEmptyHome(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t)
	p := s.start(t, nil, "run", "--every", "1s")
	p.await(t, "msg=started")
	s.world.run(t, s.Credentials(sandbox.Hesabe), "seed", "credentials", "--provider", "hesabe").want(t, exitDone)
	p.await(t, "provider=hesabe", "outcome=logged_in")
	p.stops(t, syscall.SIGTERM)
	if said := p.said.text(); strings.Contains(said, "msg=run provider=berbix") || strings.Contains(said, "msg=run provider=tconnect") {
		t.Errorf("it speaks of what is not there:\n%s", said)
	}
}

// net/http logs bytes after an answer: a provider may have sent a token there.
func TestRunHidesBytesBehindAnAnswer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			request, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n%q", planted)
		}
	}()
	w := embeddedWorld(t)
	credentials := fmt.Sprintf(`{"username":"u","password":%q,"base_url":"http://%s"}`, planted, listener.Addr())
	w.run(t, credentials, "seed", "credentials", "--provider", "hesabe").want(t, exitDone)
	p := w.start(t, nil, "run", "--provider", "hesabe", "--every", "1h")
	p.await(t, "msg=summary")
	p.stops(t, syscall.SIGTERM)
	assert.Check(t, !strings.Contains(p.said.text(), planted), "it shows a secret:\n%s", p.said.text())
}

// A state file that others can read is refused at the start.
func TestRunRefusesAFileThatOthersRead(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	path := w.flags[len(w.flags)-1]
	assert.NilError(t, os.Chmod(path, 0o644))
	w.run(t, "", "run").want(t, exitPerson, "chmod 600 "+path)
}

// A service whose state file is lost or damaged ends with one message: the next tick would find the
// same, and a new file would know no token.
func TestRunEndsWithItsFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil func(path string) error
		says  string
	}{
		"gone":        {os.Remove, "the file is gone: put it back"},
		"cut":         {func(path string) error { return os.Truncate(path, 8192) }, "it is damaged"},
		"a directory": {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "it is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := embeddedWorld(t).provision(t, sandbox.Hesabe)
			path := s.flags[len(s.flags)-1]
			p := s.start(t, nil, "run", "--every", "1s", "--json")
			p.await(t, `"outcome":"logged_in"`)
			assert.NilError(t, tt.spoil(path))
			p.ended(t, exitFailed, 0)
			p.await(t, `"level":"ERROR"`, "ending: a person must act", path+": "+tt.says)
			if said := p.said.text(); strings.Contains(said, "goroutine") || strings.Contains(said, `"msg":"panic"`) {
				t.Errorf("it panics:\n%s", said)
			}
			s.quiet(t, p.said.text())
		})
	}
}

// The level of a line shows whether a person must act.
func TestRunTellsWhoMustAct(t *testing.T) {
	t.Parallel()
	s := &site{scene: embeddedWorld(t).provision(t, sandbox.Hesabe)}
	p := s.start(t, nil, "run", "--every", "1s", "--json", "--provider", "hesabe")
	p.await(t, `"level":"INFO","msg":"run"`, `"outcome":"logged_in"`)
	s.Inject(sandbox.Hesabe, sandbox.Any, 1, sandbox.RateLimit("1"))
	s.due(t, sandbox.Hesabe)
	p.await(t, `"level":"WARN","msg":"run"`, `"outcome":"rate_limited"`)
	s.revokes(t)
	s.seeds(t, sandbox.Hesabe, s.wrong(t, sandbox.Hesabe, "password"))
	s.due(t, sandbox.Hesabe)
	p.await(t, `"level":"ERROR","msg":"run"`, `"outcome":"misconfigured"`)
	p.stops(t, syscall.SIGTERM)
}

// ear is a socket like the one at which systemd listens.
type ear struct{ *net.UnixConn }

// listen makes one, and the variables that name it to a process.
func listen(t *testing.T) (ear, []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	assert.NilError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	return ear{socket}, []string{"NOTIFY_SOCKET=" + path}
}

// hears waits for a state, whatever comes before it.
func (e ear) hears(t *testing.T, state string) {
	t.Helper()
	assert.NilError(t, e.SetReadDeadline(time.Now().Add(patience)))
	got := make([]byte, 64)
	for {
		size, err := e.Read(got)
		assert.Assert(t, err == nil, "systemd does not hear %s: %v", state, err)
		if string(got[:size]) == state {
			return
		}
	}
}

// Prometheus gets the state of the credentials, and the results of runs.
func TestRunServesMetrics(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe)
	p := s.start(t, nil, "run", "--every", "1h", "--listen", "127.0.0.1:0")
	p.await(t, "msg=listening")
	p.await(t, "outcome=logged_in")
	_, rest, _ := strings.Cut(p.said.text(), "metrics=")
	address, _, _ := strings.Cut(rest, "\n")
	read := func(url string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		assert.NilError(t, err)
		answer, err := http.DefaultClient.Do(request)
		assert.NilError(t, err)
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		assert.Assert(t, err == nil && answer.StatusCode == http.StatusOK, "%s: %v: %s", answer.Status, err, text)
		s.quiet(t, string(text))
		return string(text)
	}
	if text := read(address); !strings.Contains(text, `tokenrefresh_token_ready_status{account="default",condition="True",provider="hesabe"} 1`) ||
		!strings.Contains(text, `tokenrefresh_provider_request_duration_seconds_count{provider="hesabe"} 1`) {
		t.Errorf("%s", text)
	}
	text := read(strings.TrimSuffix(address, "metrics") + "healthz")
	assert.Check(t, text == "ok\n", "%s", text)
	p.stops(t, syscall.SIGTERM)

	// An address that somebody has named must be free; the default one need not be.
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer func() { _ = taken.Close() }()
	s.run(t, "", "run", "--listen", taken.Addr().String()).want(t, exitFailed, "serve metrics", "--listen")
}
