package aes

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// Mode is the source of the initialisation vector (IV).
type Mode string

// The modes. Only Prefix hides that two plaintexts begin alike.
const (
	Prefix  Mode = "prefix" // random for each message and written before it
	Fixed   Mode = "fixed"  // agreed once, beside the key
	Zero    Mode = "zero"   // 16 zero bytes
	FromKey Mode = "key"    // the first 16 bytes of the key
)

// ErrDecrypt is the only error for a text that cannot be decrypted. It doesn't name the failed
// step, so that it reveals nothing about the plaintext.
var ErrDecrypt = errors.New("cannot decrypt")

// Cipher encrypts and decrypts with one key and mode. It prints as a mask and is
// safe for concurrent use.
type Cipher struct {
	block  cipher.Block
	random bool                // an IV for each message, written before it
	iv     [aes.BlockSize]byte // where not random
}

// NewCipher makes a Cipher. iv is the text of 16 bytes, in ParseKey's encodings. Without a mode, an
// iv means Fixed, and no iv means Prefix. Fixed needs an iv, and the other modes must not have one.
func NewCipher(key Key, mode Mode, iv string) (*Cipher, error) {
	if key.bytes == nil {
		return nil, errors.New("no key")
	}
	if mode == "" {
		mode = Prefix
		if iv != "" {
			mode = Fixed
		}
	}
	c := &Cipher{random: mode == Prefix}
	switch mode { // an unknown mode is not quoted: it may be an IV in the wrong place
	case Prefix, Zero, FromKey:
		if iv != "" {
			return nil, fmt.Errorf("an IV is given, which mode %q does not take: drop the IV or use mode %q", mode, Fixed)
		}
		if mode == FromKey {
			copy(c.iv[:], key.bytes[:])
		}
	case Fixed:
		if iv == "" {
			return nil, fmt.Errorf("mode %q needs an IV", Fixed)
		}
		raw, err := decode(iv, aes.BlockSize)
		if err != nil {
			return nil, fmt.Errorf("not an IV of %d bytes: %w", aes.BlockSize, err)
		}
		copy(c.iv[:], raw)
	default:
		return nil, fmt.Errorf("unknown IV mode: use %q, %q, %q or %q", Prefix, Fixed, Zero, FromKey)
	}
	var err error
	c.block, err = aes.NewCipher(key.bytes[:])
	return c, err
}

// EncryptHex returns the ciphertext in lower-case hex, in mode Prefix after its IV.
func (c *Cipher) EncryptHex(plaintext []byte) string {
	iv := c.iv
	var out []byte
	if c.random {
		_, _ = rand.Read(iv[:]) // never fails: it ends the program instead
		out = append(out, iv[:]...)
	}
	start := len(out)
	out = append(append(out, plaintext...), padding(byte(aes.BlockSize-len(plaintext)%aes.BlockSize))...)
	cipher.NewCBCEncrypter(c.block, iv[:]).CryptBlocks(out[start:], out[start:])
	return hex.EncodeToString(out)
}

// DecryptHex reverses EncryptHex and takes hex in either case. Its only error is ErrDecrypt. About
// once in 256 times, a wrong key gives no error: the caller must check the plaintext.
func (c *Cipher) DecryptHex(text string) ([]byte, error) {
	data, err := hex.DecodeString(text)
	if err != nil {
		return nil, ErrDecrypt
	}
	iv := c.iv
	if c.random {
		if len(data) < len(iv) {
			return nil, ErrDecrypt
		}
		data = data[copy(iv[:], data):]
	}
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, ErrDecrypt
	}
	cipher.NewCBCDecrypter(c.block, iv[:]).CryptBlocks(data, data)
	return unpad(data)
}

// Format implements fmt.Formatter with a mask: in mode FromKey the IV is half of
// the key.
func (*Cipher) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[aes cipher]")) }

// padding is PKCS#7 padding of 1 to 16 bytes.
func padding(n byte) []byte { return bytes.Repeat([]byte{n}, int(n)) }

// unpad strips the padding and checks each byte of it.
func unpad(data []byte) ([]byte, error) {
	pad := data[len(data)-1]
	plain, padded := bytes.CutSuffix(data, padding(pad))
	if pad < 1 || pad > aes.BlockSize || !padded {
		return nil, ErrDecrypt
	}
	return plain, nil
}
