// Package refresh is the engine that keeps one chain of rotating tokens alive. It knows
// neither AWS nor HTTP; it speaks to three ports: a providers.Provider, and the Secrets and
// the Ledger of pkg/store.
//
// A run repeats three steps until it ends: it gathers a View of the credential (gather.go), decides
// (decide.go, a list of named checks; ends.go, what follows each kind of answer), and acts
// (visit.go and the files it calls). The state of a credential is its Stage (stage.go). A run
// changes a row by the edges of edges.go, which names the functions of transition*.go for each;
// docs/protocol.md draws them between the stages.
//
// It assumes one thing about providers: if one answers with a complete 4xx (except 408 and 409) or
// 3xx (except 303), and does not call the refresh token dead in its own words, it has not acted on
// the token. Then the promise has two parts. A refresh token that a provider may have acted on is
// never presented again, unless the reply gave that token back or gave none. A reply that one store
// accepted is promoted in the end, whatever dies and whenever, unless a person edits the secret.
//
// Correctness rests on the ledger's fence, on the fingerprints of presented tokens and on
// compare-and-swap of the secrets' staging label, never on clocks; times only decide when
// to try, and for how long an issuer takes a token again.
package refresh
