// Package refresh is the engine that keeps one chain of rotating tokens alive:
// due, claim, send, keep, promote, settle, recover. It knows neither AWS nor HTTP;
// it speaks to three ports, a providers.Provider, Secrets and a Ledger.
//
// Its promise: a refresh token that a provider may have acted on is never
// presented again, and a reply that one store accepted is promoted in the end,
// whatever dies and whenever. Correctness rests on the ledger's fence, on the
// fingerprints of presented tokens and on compare-and-swap of the secrets' staging
// label, never on clocks; times only decide when to try.
package refresh
