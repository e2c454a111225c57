// Package e2e tests the functions as they are deployed: the binaries of
// `sam build` under a Lambda Runtime API, with exactly the environment that the
// deployed template.yaml gives them, against an emulated AWS and the providers'
// sandboxes. There is nothing here but tests.
//
// Processes are killed, calls to AWS fail, replies get lost. After each of these the
// credential must be healthy again within three ticks, no refresh token presented
// twice, and nothing that was said may hold a secret (credential.heals, checkSound).
//
// TestFleet does all of this to a table of 570 transactions, and counts at the provider
// how often each refresh token came.
//
// The binaries go by the machine's clock. Where a test needs time to pass, it moves
// what the ledger says about moments into the past (credential.elapse), which to
// the functions is the same.
package e2e
