package aes_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/aes"
)

func newCipher(tb testing.TB, key string, mode aes.Mode, iv string) *aes.Cipher {
	tb.Helper()
	k, err := aes.ParseKey(key)
	assert.NilError(tb, err)
	c, err := aes.NewCipher(k, mode, iv)
	assert.NilError(tb, err)
	return c
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			c := newCipher(t, v.key, v.mode, v.iv)
			if got := c.EncryptHex([]byte(v.plain)); got != v.hex {
				t.Errorf("EncryptHex = %s, want %s", got, v.hex)
			}
			for _, text := range []string{v.hex, strings.ToUpper(v.hex)} {
				got, err := c.DecryptHex(text)
				assert.Check(t, err == nil && string(got) == v.plain,
					"DecryptHex(%s) = %q, %v; want %q", text, got, err, v.plain)
			}
		})
	}
}

func TestNISTBlock(t *testing.T) {
	t.Parallel()
	plain, err := hex.DecodeString(nistPlain)
	assert.NilError(t, err)
	got := newCipher(t, nistKey, aes.Fixed, nistIV).EncryptHex(plain)
	assert.Check(t, strings.HasPrefix(got, nistBlock), "EncryptHex = %s, want it to begin with %s", got, nistBlock)
}

func TestPrefixMode(t *testing.T) {
	t.Parallel()
	c := newCipher(t, nistKey, "", "") // the default
	got, err := c.DecryptHex(prefixedHex)
	assert.Assert(t, err == nil && string(got) == prefixedPlain,
		"DecryptHex = %q, %v; want %q", got, err, prefixedPlain)

	one, two := c.EncryptHex([]byte(prefixedPlain)), c.EncryptHex([]byte(prefixedPlain))
	assert.Check(t, one[:32] != two[:32], "two messages have the same IV")
	fixed := newCipher(t, nistKey, aes.Fixed, one[:32])
	if want := one[:32] + fixed.EncryptHex([]byte(prefixedPlain)); one != want {
		t.Errorf("EncryptHex = %s, want the IV and the ciphertext under it, %s", one, want)
	}
}

func TestKeyAndIVEncodings(t *testing.T) {
	t.Parallel()
	const want = "9f6f190d98b4bdf561868f8fe6302774f5dd54ebea6115de8857f58c72e65d4f" // V1
	keys := []string{
		textKey,
		"utf8:" + textKey,
		"3031323334353637383961626364656630313233343536373839414243444546",
		"hex:3031323334353637383961626364656630313233343536373839414243444546",
		"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=",
		"base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=",
	}
	ivs := []string{
		textIV, "utf8:" + textIV,
		"66656463626139383736353433323130", "hex:66656463626139383736353433323130",
		"ZmVkY2JhOTg3NjU0MzIxMA==", "base64:ZmVkY2JhOTg3NjU0MzIxMA==",
	}
	for _, key := range keys {
		for _, iv := range ivs {
			// No mode: an IV alone means fixed.
			if got := newCipher(t, key, "", iv).EncryptHex([]byte(`{"refresh_token":"rt-0001"}`)); got != want {
				t.Errorf("key %q, IV %q: EncryptHex = %s, want %s", key, iv, got, want)
			}
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"empty":                     "",
		"31 bytes":                  textKey[1:],
		"33 bytes, a final newline": textKey + "\n",
		"AES-128":                   textIV,
		"64 characters, not hex":    strings.Repeat("zq", 32),
		"44 characters, not base64": strings.Repeat("*", 44),
		"hex of the wrong size":     "hex:" + nistKey[2:],
		"hex of odd length":         "hex:" + nistKey[1:],
		"utf8 of the wrong size":    "utf8:" + textKey[1:],
		"base64 of the wrong size":  "base64:MDEyMzQ1Njc4OWFiY2RlZg==",
		// Such a key must be written with utf8: before it.
		"32 bytes that begin with a prefix": "hex:" + textKey[4:],
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := aes.ParseKey(text)
			assert.Assert(t, err != nil, "ParseKey took it")
			if len(text) > 8 && strings.Contains(err.Error(), text[4:]) {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}

func TestNewCipherRefusesContradictions(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		mode aes.Mode
		iv   string
	}{
		"fixed without an IV":      {aes.Fixed, ""},
		"prefix with an IV":        {aes.Prefix, textIV},
		"zero with an IV":          {aes.Zero, textIV},
		"key with an IV":           {aes.FromKey, textIV},
		"unknown mode":             {"random", ""},
		"mode in capitals":         {"FIXED", textIV},
		"IV for a mode":            {textIV, "fixed"},
		"IV of the wrong size":     {aes.Fixed, textIV[1:]},
		"IV as large as the key":   {aes.Fixed, textKey + "0"},
		"IV of 32 digits, not hex": {"", strings.Repeat("x", 32)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := aes.ParseKey(textKey)
			assert.NilError(t, err)
			c, err := aes.NewCipher(key, tc.mode, tc.iv)
			assert.Assert(t, err != nil, "NewCipher made %v", c)
			for _, text := range []string{tc.iv, string(tc.mode)} {
				if len(text) > 8 && strings.Contains(err.Error(), text) {
					t.Errorf("the error quotes the IV: %v", err)
				}
			}
		})
	}
	if _, err := aes.NewCipher(aes.Key{}, aes.Zero, ""); err == nil {
		t.Error("NewCipher took the zero key")
	}
}

// All failures must look the same: an error that depends on the plaintext is a padding oracle.
func TestDecryptHasOneError(t *testing.T) {
	t.Parallel()
	v1 := vectors[0].hex
	prefix := newCipher(t, nistKey, aes.Prefix, "")
	fixed := newCipher(t, textKey, aes.Fixed, textIV)
	zero := newCipher(t, textKey, aes.Zero, "")
	unpadded := func(last string) string { // a block that decrypts to text ending in last
		full := zero.EncryptHex([]byte(strings.Repeat("p", 16-len(last)) + last))
		return full[:32]
	}
	cases := map[string]struct {
		cipher *aes.Cipher
		text   string
	}{
		"empty":                    {fixed, ""},
		"odd number of digits":     {fixed, v1[1:]},
		"not hex":                  {fixed, "zz" + v1[2:]},
		"half a byte of a block":   {fixed, v1[:62]},
		"not a multiple of blocks": {fixed, v1[:40]},
		"last block tampered":      {fixed, v1[:62] + "00"},
		"wrong key":                {newCipher(t, nistKey, aes.Fixed, textIV), v1},
		"padding of zero":          {zero, unpadded("\x00")},
		"padding beyond a block":   {zero, unpadded("\x11")},
		"padding that disagrees":   {zero, unpadded("\x01\x02")},
		"prefixed: empty":          {prefix, ""},
		"prefixed: half an IV":     {prefix, prefixedHex[:16]},
		"prefixed: IV alone":       {prefix, prefixedHex[:32]},
		"prefixed: part of block":  {prefix, prefixedHex[:62]},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.cipher.DecryptHex(tc.text)
			assert.Check(t, errors.Is(err, aes.ErrDecrypt) && err.Error() == aes.ErrDecrypt.Error() && got == nil,
				"DecryptHex = %q, %v; want nothing but ErrDecrypt", got, err)
		})
	}
}

func TestEveryLengthComesBack(t *testing.T) {
	t.Parallel()
	c := newCipher(t, textKey, aes.Prefix, "")
	for n := range 50 {
		plain := strings.Repeat("a", n)
		got, err := c.DecryptHex(c.EncryptHex([]byte(plain)))
		assert.Check(t, err == nil && string(got) == plain, "%d bytes came back as %q, %v", n, got, err)
	}
}

func TestKeysAndCiphersMaskThemselves(t *testing.T) {
	t.Parallel()
	key, err := aes.ParseKey(textKey)
	assert.NilError(t, err)
	c := newCipher(t, textKey, aes.FromKey, "")
	holder := struct {
		key    aes.Key
		cipher *aes.Cipher
	}{key, c}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key, "cipher", c, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "cipher", c, "holder", holder)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&log, verb+verb+"\n", key, c)
	}
	// fmt cannot call Format inside a holder. Verbs that vet refuses there, such as %s, would still
	// print what a pointer points to.
	fmt.Fprintf(&log, "%v %+v %#v\n", holder, holder, holder)
	// The key's first bytes as text, in hex and as decimal numbers.
	for _, leak := range []string{textKey[:8], "30313233", "48 49 50 51", "0x30, 0x31"} {
		assert.Check(t, !strings.Contains(log.String(), leak), "%q leaked into %s", leak, log.String())
	}
}
