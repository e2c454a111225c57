package store

import (
	"errors"
	"fmt"
)

// Errors of the ports. Any other error may pass by itself, and a write that failed with it may have
// been done.
var (
	// ErrForbidden: a permission or key is missing; a person must act. All ports.
	ErrForbidden = errors.New("access is denied")

	// ErrNoSecret: the secret itself does not exist, or is scheduled for deletion.
	ErrNoSecret = errors.New("the secret does not exist")
	// ErrNoValue: the secret exists and has no current version yet.
	ErrNoValue = errors.New("the secret has no value yet")
	// ErrNoVersion: the secret has no version of that id.
	ErrNoVersion = errors.New("the secret has no such version")
	// ErrVersionTaken: a version of that id exists and holds another value.
	ErrVersionTaken = errors.New("the version id is taken by another value")
	// ErrQuota: the store keeps no further version for now.
	ErrQuota = errors.New("the secret is at its quota of versions")
	// ErrThrottled: there were too many calls a second; nothing was done.
	ErrThrottled = errors.New("the store is called too often")
	// ErrMalformed: the value is not a text.
	ErrMalformed = errors.New("the secret holds no text")

	// ErrChanged: a transaction's refresh token is no longer the one presented, or its row
	// is gone.
	ErrChanged = errors.New("the transaction has changed meanwhile")
)

// MovedError is Promote's answer if the current version is neither the one to replace
// nor the one to promote: somebody else was faster, and theirs stands.
type MovedError struct {
	Current string // id of the version that is current; empty: none
}

// Error implements error.
func (e *MovedError) Error() string {
	return fmt.Sprintf("another version is current: %q", e.Current)
}

// LostError is Write's answer if the guard did not hold.
type LostError struct {
	Current Row // the stored row
	Exists  bool
}

// Error implements error.
func (*LostError) Error() string { return "the ledger row has changed meanwhile" }

// ShardClaimLostError is WriteShardClaim's answer if the stored claim has another fence.
type ShardClaimLostError struct {
	Current ShardClaim // the stored claim; zero if there is none
}

// Error implements error.
func (*ShardClaimLostError) Error() string { return "another run has claimed the shard" }
