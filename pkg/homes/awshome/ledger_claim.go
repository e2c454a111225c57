package awshome

import (
	"context"

	"tokenrefresh/pkg/store"
)

// claimAttributes are the attributes that a claim writes. They are a row's, because older releases
// kept claims as rows: old and new code read each other's claims.
var claimAttributes = []string{"phase", "claimed_by", "fence", "claimed_until"}

// WriteShardClaim implements store.ShardClaims with one UpdateItem.
func (l *Ledger) WriteShardClaim(ctx context.Context, claim store.ShardClaim) error {
	written := item{"fence": number(claim.Fence)}
	written.putText("claimed_by", claim.Holder)
	written.putTime("claimed_until", milliseconds, claim.Until)
	written.putText("phase", string(store.Sending))
	if claim.Until.IsZero() {
		written.putText("phase", string(store.Idle))
	}
	expression, names, values := update(claimAttributes, written)
	condition := equal("fence", claim.Fence == 1)
	values[":guard_fence"] = number(claim.Fence - 1)
	refused, attempts, err := l.updateIf(ctx, store.ShardKey(claim.Account, claim.Shard), expression, condition, names, values)
	if err != nil || refused == nil {
		return err
	}
	if attempts > 1 && holds(refused.Item, claimAttributes, written) {
		return nil
	}
	stored, _ := decodeClaim(l.table, refused.Item)
	if stored.Unreadable != nil {
		return stored.Unreadable
	}
	return &store.ShardClaimLostError{Current: stored}
}

// decodeClaim reads the claim of a shard; ok is false for any other row.
func decodeClaim(table string, stored item) (claim store.ShardClaim, ok bool) {
	r := reader{item: stored}
	key := store.Key{Provider: r.text("provider"), Account: r.text("account")}
	if claim.Account, claim.Shard, ok = store.SplitShardKey(key); !ok {
		return store.ShardClaim{}, false
	}
	held := claim
	held.Holder = r.text("claimed_by")
	held.Fence = r.number("fence")
	if until := r.time("claimed_until"); store.Phase(r.text("phase")) == store.Sending {
		held.Until = until
	}
	if err := r.err(table, key.String()); err != nil {
		claim.Unreadable = err
		return claim, true
	}
	return held, true
}
