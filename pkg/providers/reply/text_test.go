package reply_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers/reply"
)

// packed compresses text.
func packed(tb testing.TB, text []byte, with func(io.Writer) io.WriteCloser) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := with(&b)
	_, err := w.Write(text)
	if err == nil {
		err = w.Close()
	}
	assert.NilError(tb, err)
	return b.Bytes()
}

func gzipped(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
func zlibbed(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func deflated(w io.Writer) io.WriteCloser {
	out, err := flate.NewWriter(w, flate.DefaultCompression)
	if err != nil {
		panic(err) // a known level
	}
	return out
}

func inUTF16(tb testing.TB, text string, order binary.ByteOrder) []byte {
	tb.Helper()
	var b bytes.Buffer
	assert.NilError(tb, binary.Write(&b, order, utf16.Encode([]rune(text))))
	return b.Bytes()
}

func inUTF32(text string, order binary.AppendByteOrder) []byte {
	var b []byte
	for _, r := range text {
		b = order.AppendUint32(b, uint32(r))
	}
	return b
}

func TestPlain(t *testing.T) {
	t.Parallel()
	const text = `{"access_token":"at","message":"Succès"}`
	whole := []byte(text)
	latin := []byte(strings.Replace(text, "è", "\xe8", 1))
	zip := packed(t, whole, gzipped)
	cases := map[string]struct {
		raw  []byte
		form reply.Form
		odd  string
	}{
		"plain": {whole, reply.Form{}, ""},
		"curl/curl #2368: gzip said, and not done": {whole, reply.Form{Encoding: "gzip"}, ""},
		"deflate said, and not done":               {whole, reply.Form{Encoding: "deflate"}, ""},
		"encode/httpx #307: br said, and not done": {whole, reply.Form{Encoding: "br"}, ""},
		"gzip":                   {zip, reply.Form{Encoding: "gzip"}, "compressed"},
		"x-gzip":                 {zip, reply.Form{Encoding: "x-gzip"}, "compressed"},
		"gzip, and not said":     {zip, reply.Form{}, "compressed"},
		"gzip, said to be plain": {zip, reply.Form{Encoding: "identity"}, "compressed"},
		"grafana/k6 #1030: gzip twice, said once": {packed(t, zip, gzipped), reply.Form{Encoding: "gzip"}, "compressed"},
		"gzip, said twice":                        {zip, reply.Form{Encoding: "gzip, gzip"}, "compressed"},
		"gzip in zlib":                            {packed(t, zip, zlibbed), reply.Form{Encoding: "gzip, deflate"}, "compressed"},
		"deflate in zlib":                         {packed(t, whole, zlibbed), reply.Form{Encoding: "deflate"}, "compressed"},
		"deflate without zlib":                    {packed(t, whole, deflated), reply.Form{Encoding: "deflate"}, "compressed"},
		"gzip with a wrong checksum":              {append(bytes.Clone(zip[:len(zip)-8]), 1, 2, 3, 4, 5, 6, 7, 8), reply.Form{}, "compressed"},
		"gzip without its end":                    {zip[:len(zip)-8], reply.Form{}, "compressed"},
		"gzip and more":                           {append(bytes.Clone(zip), "more"...), reply.Form{}, "compressed"},
		"mark of byte order":                      {append([]byte("\ufeff"), whole...), reply.Form{}, ""},
		"guzzle/guzzle #310: ISO-8859-1":          {latin, reply.Form{Charset: "ISO-8859-1"}, "ISO-8859-1"},
		"latin1, as MySQL says":                   {latin, reply.Form{Charset: "latin1"}, "ISO-8859-1"},
		"ISO-8859-1 said, and UTF-8":              {whole, reply.Form{Charset: "ISO-8859-1"}, ""},
		"UTF-16, marked":                          {inUTF16(t, "\ufeff"+text, binary.LittleEndian), reply.Form{Charset: "utf-16"}, "UTF-16"},
		"UTF-16 of the other order, marked":       {inUTF16(t, "\ufeff"+text, binary.BigEndian), reply.Form{}, "UTF-16"},
		"UTF-16":                                  {inUTF16(t, text, binary.LittleEndian), reply.Form{Charset: "utf-8"}, "UTF-16"},
		"UTF-16 of the other order":               {inUTF16(t, text, binary.BigEndian), reply.Form{}, "UTF-16"},
		"UTF-32":                                  {inUTF32(text, binary.LittleEndian), reply.Form{}, "UTF-32"},
		"UTF-32 of the other order":               {inUTF32(text, binary.BigEndian), reply.Form{}, "UTF-32"},
		"UTF-32, marked":                          {inUTF32("\ufeff"+text, binary.LittleEndian), reply.Form{}, "UTF-32"},
		"UTF-32 of the other order, marked":       {inUTF32("\ufeff"+text, binary.BigEndian), reply.Form{}, "UTF-32"},
		"deflate without zlib, said to be gzip":   {packed(t, whole, deflated), reply.Form{Encoding: "gzip"}, "compressed"},
		"ISO-8859-1, and br said":                 {latin, reply.Form{Encoding: "br", Charset: "latin1"}, "ISO-8859-1"},
		"in chunks":                               {[]byte("a\r\n" + text[:10] + "\r\n1f\r\n" + text[10:] + "\r\n0\r\n\r\n"), reply.Form{}, "chunks"},
		"in chunks, with line feeds":              {[]byte("0xA ;a=b\n" + text[:10] + "\n1F\n" + text[10:] + "\n0\n\n"), reply.Form{}, "chunks"},
		"in a chunk that is cut":                  {[]byte("ff\r\n" + text), reply.Form{}, "chunks"},
		"UTF-16 in gzip":                          {packed(t, inUTF16(t, text, binary.BigEndian), gzipped), reply.Form{}, "UTF-16"},
		"a zero behind UTF-16 that it is from":    {append(inUTF16(t, text, binary.LittleEndian), 0), reply.Form{}, "UTF-16"},
	}
	for name, tc := range cases {
		got, odd := reply.Plain(tc.raw, tc.form, 1<<20)
		assert.Check(t, string(got) == text, "%s: %q", name, got)
		if all := strings.Join(odd, "; "); !strings.Contains(all, tc.odd) || tc.odd == "" && all != "" {
			t.Errorf("%s: odd %q, want %q", name, all, tc.odd)
		}
	}
}

// An unknown encoding stays as it is, for people.
func TestPlainLeavesTheRest(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nothing":           "",
		"one byte":          "\xff",
		"no gzip":           "\x1f\x8bplanted",
		"no zlib":           "x\x9cplanted",
		"bad UTF-8":         "{\"a\":\"\xff\"}",
		"windows-1252":      "{\"a\":\"d\x92accord\"}",
		"Zstandard":         "\x28\xb5\x2f\xfd\x04\x00",
		"Brotli":            "\x0f\x05\x80{\"a\":\"b\"}\x03",
		"hex in lines":      "9f6f190d98b4bdf561868f8fe6302774\n9f6f190d98b4bdf561868f8fe6302774\n",
		"four compressions": string(packed(t, packed(t, packed(t, packed(t, []byte("{}"), gzipped), gzipped), gzipped), gzipped)),
	} {
		got, _ := reply.Plain([]byte(raw), reply.Form{Charset: "windows-1252", Encoding: "zstd"}, 1<<20)
		if name == "four compressions" {
			assert.Check(t, bytes.HasPrefix(got, []byte{0x1f, 0x8b}), "%s: %q", name, got)
		} else if string(got) != raw {
			t.Errorf("%s: %q became %q", name, raw, got)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "gzip", "utf-16")
	f.Add(packed(f, []byte(strings.Repeat("{", 5000)), gzipped), "gzip", "")
	f.Add(packed(f, []byte("{}"), zlibbed), "deflate", "")
	f.Add([]byte("\xff\xfe{\x00"), "deflate", "latin1")
	f.Fuzz(func(t *testing.T, raw []byte, encoding, charset string) {
		const limit = 1000
		text, odd := reply.Plain(raw, reply.Form{Encoding: encoding, Charset: charset}, limit)
		// UTF-16 grows by half at most, ISO-8859-1 to twice its size; beyond the limit nothing is
		// converted.
		assert.Check(t, len(text) <= 2*max(limit+1, len(raw)), "%d bytes of %d", len(text), len(raw))
		if strings.Contains(strings.Join(odd, ""), string(raw)) && len(raw) > 20 {
			t.Errorf("an oddity shows the text: %q", odd)
		}
	})
}
