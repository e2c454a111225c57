package sandbox

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"unicode/utf16"
)

// Answer answers in the provider's place: it never sees the call, nor the token in it.
// AfterActing lets it act before.
func Answer(status int, kind, body string) Fault {
	f := answering(func(_ *host, _ *call, _ reply, w http.ResponseWriter) {
		reply{status: status, kind: kind, body: []byte(body)}.write(w)
	})
	f.unseen = true
	return f
}

// Gateways are the answers of gateways, firewalls and proxies before a provider: it has
// not acted, and none of them says anything of a token.
func Gateways() map[string]Fault {
	const text, page, object = "text/plain; charset=utf-8", "text/html", "application/json"
	faults := map[string]Fault{
		"traefik":   Answer(http.StatusNotFound, text, "404 page not found\n"),
		"nginx":     Answer(http.StatusNotFound, text, "default backend - 404"),
		"envoy":     Answer(http.StatusNotFound, text, ""),
		"kong":      Answer(http.StatusNotFound, object, `{"message":"no Route matched with those values"}`),
		"spring":    Answer(http.StatusNotFound, object, `{"timestamp":1,"status":404,"error":"Not Found","path":"/"}`),
		"AWS":       Answer(http.StatusForbidden, object, `{"message":"Missing Authentication Token"}`),
		"firewall":  Answer(http.StatusBadRequest, page, "<html><title>Request Rejected</title>Your support ID is: 1</html>"),
		"plain 400": Answer(http.StatusBadRequest, text, "Bad Request"),
		"page 401":  Answer(http.StatusUnauthorized, page, "<html><h1>401 Authorization Required</h1></html>"),
		"page 403":  Answer(http.StatusForbidden, page, "<html><h1>403 Forbidden</h1></html>"),
		"redirect":  Answer(http.StatusFound, page, "<html><h1>302 Found</h1></html>"),
	}
	for _, status := range []int{402, 405, 406, 407, 413, 415, 421, 423, 431, 451, 460} {
		faults[fmt.Sprint("status ", status)] = Answer(status, text, http.StatusText(status))
	}
	return faults
}

// reshaped sends the reply of a provider that has acted in another shape.
func reshaped(header map[string]string, shape func(body []byte) []byte) Fault {
	return answering(func(_ *host, _ *call, acted reply, w http.ResponseWriter) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		acted.body = shape(acted.body)
		if kind := header["Content-Type"]; kind != "" {
			acted.kind = kind
		}
		acted.write(w)
	}).AfterActing()
}

// OddReplies are replies of a provider that has acted, in odd shapes from which the
// tokens can be read all the same.
func OddReplies() map[string]Fault {
	plain := func(body []byte) []byte { return body }
	before := func(text string) func([]byte) []byte {
		return func(body []byte) []byte { return append([]byte(text), body...) }
	}
	behind := func(text string) func([]byte) []byte {
		return func(body []byte) []byte { return append(bytes.Clone(body), text...) }
	}
	accented := func(body []byte) []byte { // in a field beside the tokens
		return bytes.Replace(body, []byte(`{`), []byte("{\"note\":\"\xe8\","), 1)
	}
	twice := func(body []byte) []byte { return gzipped(gzipped(body)) }
	return map[string]Fault{
		"gzip said of plain":  reshaped(map[string]string{"Content-Encoding": "gzip"}, plain),
		"gzip":                reshaped(map[string]string{"Content-Encoding": "gzip"}, gzipped),
		"x-gzip":              reshaped(map[string]string{"Content-Encoding": "x-gzip"}, gzipped),
		"gzip twice":          reshaped(map[string]string{"Content-Encoding": "gzip"}, twice),
		"gzip unsaid":         reshaped(nil, gzipped),
		"deflate":             reshaped(map[string]string{"Content-Encoding": "deflate"}, zlibbed),
		"no type":             reshaped(map[string]string{"Content-Type": " "}, plain),
		"wrong type":          reshaped(map[string]string{"Content-Type": "text/html"}, plain),
		"ISO-8859-1":          reshaped(map[string]string{"Content-Type": "application/json; charset=ISO-8859-1"}, accented),
		"windows-1252":        reshaped(map[string]string{"Content-Type": "application/json; charset=windows-1252"}, accented),
		"bad UTF-8 beside":    reshaped(nil, accented),
		"UTF-16":              reshaped(map[string]string{"Content-Type": "application/json; charset=utf-16"}, inUTF16),
		"mark of byte order":  reshaped(nil, before("\ufeff")),
		"a warning before":    reshaped(nil, before("<br />\n<b>Warning</b>: something in a line\n")),
		"bytes behind":        reshaped(nil, behind("\x00\x00\r\n0\r\n")),
		"lifetime as text":    ExpiresIn(`"900"`),
		"lifetime in ms":      ExpiresIn(`900000`),
		"no lifetime":         ExpiresIn(``),
		"longer than it says": longer(),
	}
}

// longer announces more bytes than come, and hangs up behind the last brace.
func longer() Fault {
	return answering(func(_ *host, _ *call, acted reply, w http.ResponseWriter) {
		acted.head(w, len(acted.body)+100)
		_, _ = w.Write(acted.body)
	}).AfterActing()
}

// UnreadableRefreshTokens are replies of a provider that has acted whose new refresh
// token is there and cannot be read.
func UnreadableRefreshTokens() map[string]Fault {
	rename := func(name string) Fault {
		return reshaped(nil, func(body []byte) []byte {
			return bytes.Replace(body, []byte(`"refresh_token"`), []byte(`"`+name+`"`), 1)
		})
	}
	faults := map[string]Fault{}
	for name, raw := range map[string]string{
		"a number": `987654321`, "an object": `{"token":"x"}`, "a list": `["x"]`, "true": `true`,
		"damaged": `"a\udc00"`, "of two lines": `"a\nb"`,
	} {
		faults[name] = Field("refresh_token", raw)
	}
	maps.Copy(faults, map[string]Fault{"in camel case": rename("refreshToken"), "in capitals": rename("REFRESH_TOKEN")})
	return faults
}

func gzipped(body []byte) []byte {
	return packed(body, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zlibbed(body []byte) []byte {
	return packed(body, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func packed(body []byte, with func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	w := with(&b)
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return b.Bytes()
}

func inUTF16(body []byte) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(strings.ToValidUTF8(string(body), "?"))) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}
