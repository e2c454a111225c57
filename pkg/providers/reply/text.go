package reply

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLayers is how many compressions around a text are undone.
const maxLayers = 3

// Form is what a reply's headers say of its bytes. The bytes themselves are believed
// first.
type Form struct {
	Encoding string // Content-Encoding
	Charset  string // of Content-Type
}

// Plain undoes compression and encodings around a text, whatever its headers say of
// them: gzip and zlib are told by their first bytes, UTF-16 by its zeros or its mark.
// What it cannot undo stays as it is. It returns at most limit bytes and one byte
// beyond where there are more. odd is what people should know of it.
func Plain(raw []byte, form Form, limit int) (text []byte, odd []string) {
	layers := 0
	for ; layers < maxLayers; layers++ {
		inner, ok := unpack(raw, strings.EqualFold(strings.TrimSpace(form.Encoding), "deflate"), limit)
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
	wide, ok := fromUTF16(raw)
	switch {
	case ok:
		return wide, append(odd, "the reply is in UTF-16 instead of UTF-8")
	case utf8.Valid(raw):
	case isLatin1(form.Charset):
		raw = fromLatin1(raw)
		odd = append(odd, "the reply is in ISO-8859-1 instead of UTF-8")
	default:
		odd = append(odd, "the reply is not valid UTF-8")
	}
	return bytes.TrimPrefix(raw, []byte("\ufeff")), odd
}

// unpack undoes one compression; false where there is none. What came before an error
// counts: a cut stream, or a checksum that is wrong, has its text all the same.
func unpack(raw []byte, deflate bool, limit int) ([]byte, bool) {
	var unpacked io.Reader
	var err error
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		unpacked, err = gzip.NewReader(bytes.NewReader(raw))
	case len(raw) > 1 && raw[0] == 0x78 && (int(raw[0])<<8|int(raw[1]))%31 == 0: // no JSON or hex begins with x
		unpacked, err = zlib.NewReader(bytes.NewReader(raw))
	case deflate && len(raw) > 0 && strings.IndexByte("{[\"< \t\r\n\xef", raw[0]) < 0: // as texts begin
		unpacked = flate.NewReader(bytes.NewReader(raw))
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(unpacked, int64(limit)+1))
	return text, err == nil || len(text) > 0
}

// fromUTF16 decodes UTF-16 of either order, by its mark or by the zeros that ASCII has
// in it.
func fromUTF16(raw []byte) ([]byte, bool) {
	if len(raw) < 2 {
		return nil, false
	}
	var high, low int // where the two halves of a unit are
	switch a, b := raw[0], raw[1]; {
	case a == 0xfe && b == 0xff, a == 0 && b != 0:
		high, low = 0, 1
	case a == 0xff && b == 0xfe, a != 0 && b == 0:
		high, low = 1, 0
	default:
		return nil, false
	}
	units := make([]uint16, 0, len(raw)/2)
	for pair := range slices.Chunk(raw, 2) {
		if len(pair) == 2 {
			units = append(units, uint16(pair[high])<<8|uint16(pair[low]))
		}
	}
	return []byte(strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")), true
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
