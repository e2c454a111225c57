// Package aes encrypts as TConnect asks for: AES-256-CBC with PKCS#7 padding,
// written in hex.
//
// CBC without a MAC promises no integrity: a ciphertext that decrypts may still
// have been altered. TLS has to protect it on its way.
package aes
