// Package spare keeps open connections for the calls that will need them.
package spare

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// MaxIdle is how long a connection may wait for a call. Servers drop idle connections
// after some seconds, and a process that was frozen wakes up with dead ones.
const MaxIdle = 5 * time.Second

// Conns are connections that wait, by the address that was dialled. The zero value is empty and
// works. It is safe for concurrent use.
type Conns struct {
	mu      sync.Mutex
	waiting map[string][]*waiting
}

// waiting is a connection on which the server has nothing to say.
type waiting struct {
	conn  net.Conn
	since time.Time
	timer *time.Timer   // closes it
	ended chan struct{} // closed when watch has ended
	err   error         // of watch; valid once it has ended
}

// Keep keeps a connection to address for Take, and closes it after MaxIdle. Its TLS handshake, if it
// has one, must be complete.
func (c *Conns) Keep(address string, conn net.Conn) {
	w := &waiting{conn: conn, since: time.Now(), ended: make(chan struct{})}
	w.timer = time.AfterFunc(MaxIdle, func() { _ = conn.Close() })
	go w.watch()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[string][]*waiting{}
	}
	c.waiting[address] = append(c.waiting[address], w)
}

// Take hands out a connection to address that has waited for less than MaxIdle and that the
// server has not closed; nil if there is none. It closes the others.
func (c *Conns) Take(address string) net.Conn {
	for {
		w := c.next(address)
		if w == nil {
			return nil
		}
		if w.timer.Stop() && fresh(w.since, time.Now()) && quiet(socket(w.conn)) && w.stop() {
			return w.conn
		}
		_ = w.conn.Close()
	}
}

// socket is the connection below TLS.
func socket(conn net.Conn) net.Conn {
	if secure, ok := conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return conn
}

func (c *Conns) next(address string) *waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.waiting[address]
	if len(all) == 0 {
		return nil
	}
	c.waiting[address] = all[1:]
	return all[0]
}

// watch reads the rest of the handshake: TLS 1.3 sends session tickets after it. It ends with the
// connection, or by stop.
func (w *waiting) watch() {
	defer close(w.ended)
	if _, w.err = w.conn.Read(make([]byte, 1)); w.err == nil {
		w.err = errors.New("the server spoke first")
	}
}

// stop ends watch, and reports whether the connection can be used.
func (w *waiting) stop() bool {
	_ = w.conn.SetReadDeadline(time.Unix(1, 0))
	<-w.ended
	return errors.Is(w.err, os.ErrDeadlineExceeded) && w.conn.SetReadDeadline(time.Time{}) == nil
}

// fresh checks both clocks: while a process is frozen, either may stand still.
func fresh(since, now time.Time) bool {
	return within(now.Sub(since)) && within(now.Round(0).Sub(since.Round(0)))
}

func within(age time.Duration) bool { return age >= 0 && age < MaxIdle }
