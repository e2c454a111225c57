package aes_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/aes"
)

// FuzzDecryptHex: a text is refused with the only error, or encrypting its plaintext gives it
// again.
func FuzzDecryptHex(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.hex)
	}
	f.Add(prefixedHex)
	f.Add("")
	f.Add("0")
	f.Add("zz")
	agreed := []*aes.Cipher{
		newCipher(f, textKey, aes.Fixed, textIV), newCipher(f, textKey, aes.Zero, ""), newCipher(f, textKey, aes.FromKey, ""),
	}
	random := newCipher(f, nistKey, aes.Prefix, "")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range agreed {
			plain, err := c.DecryptHex(text)
			if err != nil {
				assert.Check(t, errors.Is(err, aes.ErrDecrypt) && err.Error() == aes.ErrDecrypt.Error() && plain == nil,
					"DecryptHex(%q) = %q, %v", text, plain, err)
			} else if again := c.EncryptHex(plain); again != strings.ToLower(text) {
				t.Errorf("%q is decrypted to %q, and that encrypted to %q", text, plain, again)
			}
		}
		plain, err := random.DecryptHex(text)
		if err != nil && (!errors.Is(err, aes.ErrDecrypt) || plain != nil) {
			t.Errorf("DecryptHex(%q) = %q, %v", text, plain, err)
		}
		if err == nil && len(random.EncryptHex(plain)) != len(text) {
			t.Errorf("%q is decrypted to %q, which is of another length", text, plain)
		}
	})
}

// FuzzCipher: with any accepted key, IV and mode, decrypting returns what was encrypted.
func FuzzCipher(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.key, string(v.mode), v.iv, []byte(v.plain))
	}
	f.Add(textKey, "", "", []byte(prefixedPlain))
	f.Add(textKey, "", "hex:"+nistIV, []byte{})
	f.Add(nistKey, "fixed", "base64:ZmVkY2JhOTg3NjU0MzIxMA==", bytes.Repeat([]byte{16}, 16))
	f.Add("any", "prefix", textIV, []byte("\x00"))
	f.Add("any", "random", "", []byte("\x01"))
	f.Fuzz(func(t *testing.T, keyText, mode, ivText string, plain []byte) {
		key, err := aes.ParseKey(keyText)
		if err != nil { // most texts are none; another key is as good
			digest := sha256.Sum256([]byte(keyText))
			if key, err = aes.ParseKey("hex:" + hex.EncodeToString(digest[:])); err != nil {
				t.Fatal(err)
			}
		}
		c, err := aes.NewCipher(key, aes.Mode(mode), ivText)
		if err != nil {
			for _, wrong := range [][2]string{{mode, ivText + plant.Marker}, {mode + plant.Marker, ivText}} {
				if _, err := aes.NewCipher(key, aes.Mode(wrong[0]), wrong[1]); plant.Shown(err) {
					t.Errorf("the error shows the IV: %v", err)
				}
			}
			return
		}
		text, blocks := c.EncryptHex(plain), len(plain)/16+1
		random := mode == string(aes.Prefix) || mode == "" && ivText == ""
		if random {
			blocks++
		}
		if len(text) != 32*blocks || strings.ToLower(text) != text || (c.EncryptHex(plain) == text) == random {
			t.Errorf("%q is encrypted to %q", plain, text)
		}
		for _, text := range []string{text, strings.ToUpper(text)} {
			if back, err := c.DecryptHex(text); err != nil || !bytes.Equal(back, plain) {
				t.Errorf("%q came back as %q, %v", plain, back, err)
			}
		}
	})
}

// FuzzParseKey: a text is a working key, or is refused without being quoted.
func FuzzParseKey(f *testing.F) {
	for _, text := range []string{
		textKey, nistKey, "hex:" + nistKey, "base64:AAAA", "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=", "utf8:", "",
		"utf8:" + textKey[:32-len(plant.Marker)],
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, text + plant.Marker} {
			key, err := aes.ParseKey(text)
			_, cipherErr := aes.NewCipher(key, aes.Zero, "")
			assert.Check(t, (err == nil) == (cipherErr == nil),
				"ParseKey(%q): %v, but NewCipher: %v", text, err, cipherErr)
			assert.Check(t, !plant.Shown(err, key), "the key is shown: %v, %v", key, err)
		}
	})
}
