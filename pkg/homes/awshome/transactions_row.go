package awshome

import (
	"strconv"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// seconds is the layout of a transaction's times: they sort as text.
const seconds = "2006-01-02T15:04:05Z"

// refreshedAttributes are all that Update writes.
var refreshedAttributes = []string{
	"refresh_token", "access_token", "client_token", "access_expires_at", "status", "failures", "refusals", "refused_at",
	"due_shard", "refresh_at",
}

func transactionKey(id int64) item { return item{"transaction_id": number(id)} }

func transactionName(id int64) string { return strconv.FormatInt(id, 10) }

func dueShard(account string, shard int) string { return account + "#" + strconv.Itoa(shard) }

// deadShard is the partition of the index due that holds a shard's dead rows, by when they were
// marked. No account has "#" in its name, so it is no due shard.
func deadShard(account string, shard int) string { return "#dead#" + dueShard(account, shard) }

func encodeTransaction(t store.Transaction) item {
	i := transactionKey(t.ID)
	i.putText("account", t.Account)
	i.putText("refresh_token", t.RefreshToken.Reveal())
	i.putText("access_token", t.AccessToken.Reveal())
	i.putText("client_token", t.ClientToken.Reveal())
	i.putTime("access_expires_at", seconds, t.AccessExpiresAt)
	i.putText("customer_uid", t.CustomerUID)
	i.putText("status", string(t.Status))
	i.putTime("recorded_at", seconds, t.RecordedAt)
	i.putNumber("failures", int64(t.Failures))
	i.putNumber("refusals", int64(t.Refusals))
	i.putTime("refused_at", seconds, t.RefusedAt)
	if !t.ExpiresAt.IsZero() {
		i["ttl"] = number(t.ExpiresAt.Unix())
	}
	switch {
	case t.Status == store.StatusActive && !t.RefreshAt.IsZero():
		i.putText("due_shard", dueShard(t.Account, store.ShardOf(t.ID)))
		i.putTime("refresh_at", seconds, t.RefreshAt)
	case t.Status == store.StatusDead && !t.RefusedAt.IsZero():
		i.putText("due_shard", deadShard(t.Account, store.ShardOf(t.ID)))
		i.putTime("refresh_at", seconds, t.RefusedAt)
	}
	return i
}

func decodeTransaction(table string, stored item) (store.Transaction, error) {
	r := reader{item: stored}
	t := store.Transaction{
		ID:              r.number("transaction_id"),
		Account:         r.text("account"),
		RefreshToken:    secret.New(r.text("refresh_token")),
		AccessToken:     secret.New(r.text("access_token")),
		ClientToken:     secret.New(r.text("client_token")),
		AccessExpiresAt: r.time("access_expires_at"),
		CustomerUID:     r.text("customer_uid"),
		Status:          store.Status(r.text("status")),
		RecordedAt:      r.time("recorded_at"),
		RefreshAt:       r.time("refresh_at"),
		Failures:        int(r.number("failures")),
		Refusals:        int(r.number("refusals")),
		RefusedAt:       r.time("refused_at"),
	}
	if t.Status == store.StatusDead { // its place in the index says when it was marked
		t.RefreshAt = time.Time{}
	}
	if ttl := r.number("ttl"); ttl != 0 {
		t.ExpiresAt = time.Unix(ttl, 0).UTC()
	}
	return t, r.err(table, transactionName(t.ID))
}
