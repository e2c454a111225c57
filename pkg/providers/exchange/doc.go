// Package exchange is the one guarded HTTP exchange that all clients share. A
// request may carry a single-use token, so it leaves at most once, goes to nobody
// but the host it was meant for, and whatever happens, the caller learns whether
// the token may have been acted on.
//
// It speaks HTTP/1.1 only: there a connection carries one request at a time, so the
// bytes written to it are the request's, and net/http has no reason to send a
// request again. HTTP/2 shares connections and retries on GOAWAY by itself.
package exchange
