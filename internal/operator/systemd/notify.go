// Package systemd tells systemd how a service is, as sd_notify(3) does.
package systemd

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// The states that a service tells.
const (
	Ready    = "READY=1"
	Alive    = "WATCHDOG=1"
	Stopping = "STOPPING=1"
)

// Notifier tells systemd. Without one, as where a person has started the program, it
// tells nobody.
type Notifier struct {
	socket string
	// Watchdog is within which time it wants to hear Alive; 0: never.
	Watchdog time.Duration
}

// FromEnvironment reads what systemd has said to the process with this id.
func FromEnvironment(getenv func(string) string, pid int) Notifier {
	n := Notifier{socket: getenv("NOTIFY_SOCKET")}
	if of := getenv("WATCHDOG_PID"); n.socket == "" || of != "" && of != strconv.Itoa(pid) {
		return n // the watchdog is another process's
	}
	if micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && micros > 0 {
		n.Watchdog = time.Duration(micros) * time.Microsecond
	}
	return n
}

// patience bounds Notify: systemd reads at once, and the work goes on without it.
const patience = time.Second

// Notify sends a state.
func (n Notifier) Notify(ctx context.Context, state string) error {
	if n.socket == "" {
		return nil
	}
	// A name that begins with @ is an abstract one, for net as for systemd.
	connection, err := new(net.Dialer).DialContext(ctx, "unixgram", n.socket)
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	if _, err := connection.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}
