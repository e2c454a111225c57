// Package weblogin gets the first refresh token of a credential: a person logs in at the
// service's page, with a browser (RFC 6749, 4.1; RFC 7636; RFC 8252).
package weblogin
