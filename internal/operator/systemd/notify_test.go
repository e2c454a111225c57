package systemd_test

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"tokenrefresh/internal/operator/systemd"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestTell(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"file": filepath.Join(t.TempDir(), "notify"), "abstract": "@token-refresh-" + filepath.Base(t.TempDir()) + t.Name(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = socket.Close() })
			n := systemd.FromEnvironment(env(map[string]string{"NOTIFY_SOCKET": path}), 1)
			for _, state := range []string{systemd.Ready, systemd.Alive} {
				if err := n.Notify(t.Context(), state); err != nil {
					t.Fatal(err)
				}
				got := make([]byte, 64)
				if size, err := socket.Read(got); err != nil || string(got[:size]) != state {
					t.Errorf("systemd hears %q, %v", got[:size], err)
				}
			}
		})
	}
}

func TestTellNobody(t *testing.T) {
	t.Parallel()
	if err := systemd.FromEnvironment(env(nil), 1).Notify(t.Context(), systemd.Ready); err != nil {
		t.Errorf("without systemd: %v", err)
	}
	gone := systemd.FromEnvironment(env(map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "gone")}), 1)
	if err := gone.Notify(t.Context(), systemd.Ready); err == nil {
		t.Error("a socket that is gone is no error")
	}
}

func TestWatchdog(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		want time.Duration
	}{
		"none":          {map[string]string{"NOTIFY_SOCKET": "/s"}, 0},
		"ours":          {map[string]string{"NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "300000000", "WATCHDOG_PID": "7"}, 5 * time.Minute},
		"anyone's":      {map[string]string{"NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "1500"}, 1500 * time.Microsecond},
		"another's":     {map[string]string{"NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "300000000", "WATCHDOG_PID": "8"}, 0},
		"no number":     {map[string]string{"NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "5min"}, 0},
		"without ears":  {map[string]string{"WATCHDOG_USEC": "300000000"}, 0},
		"below nothing": {map[string]string{"NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": "-1"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := systemd.FromEnvironment(env(tt.env), 7).Watchdog; got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
