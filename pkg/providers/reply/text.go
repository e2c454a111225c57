package reply

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLayers is how many compressions around a text are undone.
const maxLayers = 3

// Form is what a reply's headers say about its bytes. The bytes themselves are believed first.
type Form struct {
	Encoding string // Content-Encoding
	Charset  string // of Content-Type
}

// Plain undoes compression and encodings around a text, whatever its headers say: it recognises
// gzip and zlib by their first bytes, UTF-16 and UTF-32 by their zeros or their mark, chunks by
// their sizes. Other encodings, such as Brotli, stay as they are. It returns at most limit bytes,
// and one more byte if there are more. odd tells people what was odd.
func Plain(raw []byte, form Form, limit int) (text []byte, odd []string) {
	if inner, ok := unchunked(raw); ok {
		raw = inner
		odd = append(odd, "the reply is in chunks, and its head does not say so")
	}
	encoded := !slices.Contains([]string{"", "identity"}, strings.ToLower(strings.TrimSpace(form.Encoding)))
	layers := 0
	for ; layers < maxLayers; layers++ {
		inner, ok := unpack(raw, encoded, limit)
		if !ok {
			break
		}
		raw = inner
	}
	if layers > 0 {
		odd = append(odd, "the reply is compressed, although nobody asked for it")
	}
	if len(raw) > limit {
		return raw, odd
	}
	wide, ok := fromWide(raw)
	switch {
	case ok:
		return wide, append(odd, "the reply is in UTF-16 or UTF-32 instead of UTF-8")
	case utf8.Valid(raw):
	case isLatin1(form.Charset):
		raw = fromLatin1(raw)
		odd = append(odd, "the reply is in ISO-8859-1 instead of UTF-8")
	default:
		odd = append(odd, "the reply is not valid UTF-8")
	}
	return bytes.TrimPrefix(raw, []byte("\ufeff")), odd
}

// chunk matches the line before a chunk, in any spelling.
var chunk = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:0[xX])?([0-9a-fA-F]{1,6})[ \t]*(?:;[^\r\n]*)?\r?\n`)
})

// unchunked joins the chunks of a text; false if raw is not chunked. The last chunk may be cut.
func unchunked(raw []byte) (text []byte, ok bool) {
	for rest := raw; len(rest) > 0; {
		line := chunk().FindSubmatch(rest)
		if line == nil {
			return nil, false
		}
		size, err := strconv.ParseUint(string(line[1]), 16, 32)
		rest = rest[len(line[0]):]
		switch n := int(size); {
		case err != nil:
			return nil, false
		case n == 0 || n >= len(rest):
			return append(text, rest[:min(n, len(rest))]...), len(text)+n > 0
		default:
			text = append(text, rest[:n]...)
			rest = bytes.TrimPrefix(bytes.TrimPrefix(rest[n:], []byte("\r")), []byte("\n"))
		}
	}
	return text, len(text) > 0
}

// unpack undoes one compression; false if there is none. encoded: the head names one. The text
// before an error counts: a cut stream, or one with a wrong checksum, still has its text.
func unpack(raw []byte, encoded bool, limit int) ([]byte, bool) {
	var unpacked io.Reader
	var flat bool
	var err error
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		unpacked, err = gzip.NewReader(bytes.NewReader(raw))
	case len(raw) > 1 && raw[0] == 0x78 && (int(raw[0])<<8|int(raw[1]))%31 == 0: // no JSON or hex begins with x
		unpacked, err = zlib.NewReader(bytes.NewReader(raw))
	case encoded && !utf8.Valid(raw) && len(raw) > 0 && strings.IndexByte("{[\"< \t\r\n\xef", raw[0]) < 0: // as texts begin
		unpacked, flat = flate.NewReader(bytes.NewReader(raw)), true
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(unpacked, int64(limit)+1))
	if flat && (!utf8.Valid(text) || len(text) == 0 || text[0] >= utf8.RuneSelf) { // of another kind, such as Brotli
		return nil, false
	}
	return text, err == nil || len(text) > 0
}

// fromWide decodes UTF-16 or UTF-32 of either order, by its mark or by the zeros that ASCII
// has in it.
func fromWide(raw []byte) ([]byte, bool) {
	size, order := width(raw)
	var text []rune
	switch size {
	case 0:
		return nil, false
	case 4:
		for unit := range slices.Chunk(raw[:len(raw)/size*size], size) {
			if point := order.Uint32(unit); point <= unicode.MaxRune {
				text = append(text, rune(point))
			}
		}
	default:
		units := make([]uint16, 0, len(raw)/size)
		for unit := range slices.Chunk(raw[:len(raw)/size*size], size) {
			units = append(units, order.Uint16(unit))
		}
		text = utf16.Decode(units)
	}
	return []byte(strings.TrimPrefix(string(text), "\ufeff")), true
}

// width is how many bytes a unit of raw has, and their order; 0 without a sign of more than one.
func width(raw []byte) (size int, order binary.ByteOrder) {
	for _, is := range []struct {
		mark, zeros string // z: zero, x: another byte
		size        int
		order       binary.ByteOrder
	}{
		{"\x00\x00\xfe\xff", "zzzx", 4, binary.BigEndian},
		{"\xff\xfe\x00\x00", "xzzz", 4, binary.LittleEndian},
		{"\xfe\xff", "zxzx", 2, binary.BigEndian},
		{"\xff\xfe", "xzxz", 2, binary.LittleEndian},
	} {
		alike := func(i int, zero byte) bool { return (raw[i] == 0) == (zero == 'z') }
		if len(raw) >= 4 && (bytes.HasPrefix(raw, []byte(is.mark)) ||
			alike(0, is.zeros[0]) && alike(1, is.zeros[1]) && alike(2, is.zeros[2]) && alike(3, is.zeros[3])) {
			return is.size, is.order
		}
	}
	return 0, nil
}

func isLatin1(charset string) bool {
	return slices.Contains([]string{"iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1"}, strings.ToLower(charset))
}

func fromLatin1(raw []byte) []byte {
	text := make([]rune, len(raw))
	for i, b := range raw {
		text[i] = rune(b)
	}
	return []byte(string(text))
}
