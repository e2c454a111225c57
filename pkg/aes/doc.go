// Package aes encrypts for TConnect: AES-256-CBC with PKCS#7 padding, in hex.
//
// CBC without a MAC gives no integrity: a ciphertext that decrypts may have been altered. TLS must
// protect it in transit.
package aes
