package sandbox

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"sync"
	"time"
)

// signingKey is made at the first access token of the process. It protects nothing,
// and signing is time that a benchmark would charge to the client: hence 1024 bits,
// where Hesabe has 4096.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err) // 1024 is the least that crypto/rsa makes
	}
	return key
})

// signRS256 makes a JWT. header and claims are JSON.
func signRS256(header, claims string) string {
	text := jwtText(header, claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, signingKey(), crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // the key is long enough for SHA-256
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// signHS512 makes a JWT that only its issuer can check, as Keycloak's refresh
// tokens are.
func signHS512(header, claims string, key []byte) string {
	text := jwtText(header, claims)
	mac := hmac.New(sha512.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func jwtText(header, claims string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(claims))
}

// floatTime is a JWT time as Hesabe writes it: seconds with six decimals.
func floatTime(t time.Time) string {
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}
