package store_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/store"
)

func TestShardKey(t *testing.T) {
	t.Parallel()
	account := store.Key{Provider: "berbix", Account: "shop-1"}
	for _, shard := range []int{0, 7, 12} {
		got, n, ok := store.SplitShardKey(store.ShardKey(account, shard))
		assert.Check(t, got == account && n == shard && ok, "%s, %d, %t", got, n, ok)
	}
	for _, name := range []string{"shop-1", "shop-1/3", "shop-1/shard-", "shop-1/shard-x", "shop-1/shard--1", "shard-3", ""} {
		key := store.Key{Provider: "berbix", Account: name}
		if got, _, ok := store.SplitShardKey(key); ok || got != key {
			t.Errorf("%q is taken for the claim of a shard", name)
		}
	}
}
