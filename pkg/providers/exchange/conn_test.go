package exchange

import (
	"errors"
	"net"
	"testing"
)

// recorder takes what is written, at most room bytes.
type recorder struct {
	net.Conn
	room    int
	written int
}

func (r *recorder) Write(p []byte) (int, error) {
	n := min(len(p), r.room)
	r.room -= n
	r.written += n
	if n < len(p) {
		return n, errors.New("full")
	}
	return n, nil
}

func TestConnSeal(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		room   int
		writes int
		sealed bool
	}{
		"untouched":          {room: 9, writes: 0, sealed: true},
		"written":            {room: 9, writes: 1},
		"written in part":    {room: 1, writes: 1},
		"nothing written":    {room: 0, writes: 1, sealed: true},
		"then failed":        {room: 3, writes: 2},
		"failed and retried": {room: 0, writes: 2, sealed: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			below := &recorder{room: tc.room}
			c := &conn{Conn: below}
			c.begin()
			for range tc.writes {
				_, _ = c.Write([]byte("abc"))
			}
			if got := c.seal(); got != tc.sealed {
				t.Fatalf("seal = %v, want %v", got, tc.sealed)
			}
			below.room = 9
			before := below.written
			_, err := c.Write([]byte("late"))
			if late := below.written > before; late == tc.sealed || (err != nil) != tc.sealed {
				t.Errorf("a late write went through: %v, %v", late, err)
			}
			c.begin()
			if !c.seal() {
				t.Error("the next request finds the connection touched")
			}
		})
	}
	if (*conn)(nil).seal() {
		t.Error("no connection was sealed")
	}
}

// A connection that comes when the time is up is not written to.
func TestConnectionThatComesTooLate(t *testing.T) {
	t.Parallel()
	below := &recorder{room: 9}
	u := &usage{}
	if !u.untouched() {
		t.Error("no connection was touched")
	}
	c := &conn{Conn: below}
	u.got(c)
	if _, err := c.Write([]byte("late")); err == nil || below.written != 0 {
		t.Errorf("%d bytes left: %v", below.written, err)
	}
	if !u.untouched() {
		t.Error("the connection was touched")
	}
}
