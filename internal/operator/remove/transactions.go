package remove

import (
	"context"

	"tokenrefresh/pkg/store"
)

// transactions reports whether any transaction of the account is still refreshed.
func (r Remover) transactions(ctx context.Context) (bool, error) {
	for shard := range store.Shards {
		due, err := r.Home.Transactions(r.Provider.Name).Due(ctx, r.Account, shard, 1, r.Now())
		if err != nil || len(due) > 0 {
			return len(due) > 0, err
		}
	}
	return false, nil
}
