// Package exchange is the one guarded HTTP exchange that all clients share. A request may carry a
// single-use token. So it leaves at most once and goes only to the host that it is meant for, and
// the caller always learns whether the provider may have acted on the token.
//
// It writes and reads HTTP/1.1 itself. net/http's transport sends some requests again, does not say
// whether a byte has left, and rejects an answer, and the tokens in it, for an odd head.
package exchange
