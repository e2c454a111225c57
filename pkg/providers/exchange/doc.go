// Package exchange is the one guarded HTTP exchange that all clients share. A request may carry a
// single-use token. So it leaves at most once and goes only to the host that it is meant for, and
// the caller always learns whether the provider may have acted on the token.
//
// It speaks HTTP/1.1 only: there a connection carries one request at a time, so the
// bytes written to it are the request's, and net/http has no reason to send a
// request again. HTTP/2 shares connections and retries on GOAWAY by itself.
package exchange
