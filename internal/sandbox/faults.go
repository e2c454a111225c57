package sandbox

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/aes"
)

// Fault is one way in which a call goes wrong; Inject switches it on.
type Fault struct {
	sort   string // of several of one sort only the first is used
	after  bool
	unseen bool                           // the provider never sees the call, nor the token in it
	wait   func(ctx context.Context) bool // false: the call's context ended
	answer func(h *host, c *call, acted reply, w http.ResponseWriter)
	edit   func(*settings)
}

// AfterActing lets the provider act first, so that a refresh token is spent and the
// reply with the new one lost, late or replaced.
func (f Fault) AfterActing() Fault {
	f.after, f.unseen = true, false
	if f.wait != nil {
		f.sort = "wait after acting"
	}
	return f
}

// Drop closes the connection without a reply, before the provider acts.
func Drop() Fault {
	return answering(func(_ *host, _ *call, _ reply, w http.ResponseWriter) { abort(w) })
}

// LoseReply closes the connection without a reply, after the provider acted.
func LoseReply() Fault { return Drop().AfterActing() }

// Status answers with an HTTP error and the JSON that the provider has for it.
func Status(status int) Fault {
	return answering(func(h *host, c *call, _ reply, w http.ResponseWriter) {
		h.backend.problem(c.set, status).write(w)
	})
}

// HTML answers with an HTML page and any status, 200 included, as a gateway does.
func HTML(status int) Fault {
	return answering(func(_ *host, _ *call, _ reply, w http.ResponseWriter) { html(status).write(w) })
}

// RateLimit answers 429 with a Retry-After as given; without the header where empty.
func RateLimit(retryAfter string) Fault {
	return answering(func(h *host, c *call, _ reply, w http.ResponseWriter) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		h.backend.problem(c.set, http.StatusTooManyRequests).write(w)
	})
}

// Redirect answers 307 to the same path at another base URL.
func Redirect(baseURL string) Fault {
	return answering(func(_ *host, c *call, _ reply, w http.ResponseWriter) {
		w.Header().Set("Location", baseURL+c.req.URL.Path)
		reply{status: http.StatusTemporaryRedirect, kind: "text/html; charset=utf-8"}.write(w)
	})
}

// Truncate sends half of the reply under the Content-Length of the whole.
func Truncate() Fault {
	return answering(func(_ *host, _ *call, acted reply, w http.ResponseWriter) {
		acted.head(w, len(acted.body))
		_, _ = w.Write(acted.body[:len(acted.body)/2])
	}).AfterActing()
}

// Garbage replaces the reply's body with something that looks like JSON and isn't.
func Garbage() Fault {
	return answering(func(_ *host, _ *call, acted reply, w http.ResponseWriter) {
		acted.body = []byte(`{"access_token":,"refresh_token"}}`)
		acted.write(w)
	}).AfterActing()
}

// bombSize is what the reply of GzipBomb unpacks to: far more than a careful client
// takes.
const bombSize = 4 << 20

// GzipBomb pads the reply with white space and sends it with gzip, asked for or not.
func GzipBomb() Fault {
	return answering(func(_ *host, _ *call, acted reply, w http.ResponseWriter) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", acted.kind)
		w.WriteHeader(acted.status)
		zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			panic(err) // BestSpeed is a level
		}
		// Errors here: the client has had enough.
		_, _ = io.CopyN(zip, spaces{}, bombSize)
		_, _ = zip.Write(acted.body)
		_ = zip.Close()
	}).AfterActing()
}

// spaces reads as white space without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func answering(f func(*host, *call, reply, http.ResponseWriter)) Fault {
	return Fault{sort: "answer", answer: f}
}

// Slow delays the call before the provider acts, and ends it where the client goes
// away meanwhile: the provider does not act then. AfterActing delays the reply.
func Slow(d time.Duration) Fault {
	return Fault{sort: "wait", wait: func(ctx context.Context) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		}
	}}
}

// Hold is Slow until g is released.
func Hold(g *Gate) Fault { return Fault{sort: "wait", wait: g.pass} }

// Field replaces a token field of the reply by raw JSON, which is not checked, or
// leaves it out where raw is empty.
func Field(name, raw string) Fault {
	return editing("field "+name, func(s *settings) {
		if s.fields == nil {
			s.fields = map[string]string{}
		}
		s.fields[name] = raw
	})
}

// WithoutRefreshToken leaves the refresh token out of the reply, though a new one
// was made where the provider rotates.
func WithoutRefreshToken() Fault { return Field("refresh_token", "") }

// ExpiresIn replaces the access token's lifetime by raw JSON: `"900"`, `null`, `1e300`.
func ExpiresIn(raw string) Fault { return Field("expires_in", raw) }

// InvalidUTF8 puts a byte into the reply's access token that is not UTF-8.
func InvalidUTF8() Fault {
	return editing("utf8", func(s *settings) { s.badUTF8 = true })
}

// NewRefreshToken makes Berbix hand out a new refresh token; the old one stays good.
func NewRefreshToken() Fault {
	return editing("rotate", func(s *settings) { s.rotate = true })
}

// ReplyAs sets the form of TConnect's successes.
func ReplyAs(shape ReplyShape) Fault {
	return editing("reply", func(s *settings) { s.reply = shape })
}

// ErrorAs sets the form of TConnect's errors.
func ErrorAs(shape ErrorShape) Fault {
	return editing("error", func(s *settings) { s.problem = shape })
}

// IVMode sets the IV mode of TConnect's payloads in both directions.
func IVMode(mode aes.Mode) Fault {
	return editing("iv", func(s *settings) { s.iv = mode })
}

// WrongKey encrypts TConnect's replies with another key. A form without encryption
// becomes EncryptedData.
func WrongKey() Fault {
	return editing("key", func(s *settings) { s.wrongKey = true })
}

func editing(sort string, f func(*settings)) Fault { return Fault{sort: sort, edit: f} }

// settings is how the reply of one call is made.
type settings struct {
	fields   map[string]string // raw JSON by name; "" leaves the field out
	badUTF8  bool
	rotate   bool
	reply    ReplyShape
	problem  ErrorShape
	iv       aes.Mode // "": as Options say
	wrongKey bool
}

// object writes the reply's token fields, given as name and raw JSON in turn.
func (s settings) object(fields ...string) []byte {
	var b strings.Builder
	separator := "{"
	for field := range slices.Chunk(fields, 2) {
		name, raw := field[0], field[1]
		if edited, ok := s.fields[name]; ok {
			raw = edited
		}
		if raw == "" {
			continue
		}
		if name == "access_token" && s.badUTF8 {
			raw = raw[:1] + "\xff" + raw[1:]
		}
		b.WriteString(separator + `"` + name + `":` + raw)
		separator = ","
	}
	if separator == "{" {
		b.WriteString("{")
	}
	b.WriteString("}")
	return []byte(b.String())
}
