package transactions

import (
	"strconv"

	"tokenrefresh/pkg/store"
)

// attr is an attribute of a row, with DynamoDB's type.
type attr struct{ name, kind, value string }

// keep is how long a transaction is looked after.
const keep = 30 * 24 * 60 * 60

// entry is what the index has of a row; its first three attributes are the keys.
func entry(place int, one row) []attr {
	return []attr{
		{"transaction_id", "N", strconv.FormatInt(id(place), 10)},
		{"due_shard", "S", Account + "#" + strconv.Itoa(store.ShardOf(id(place)))},
		{"refresh_at", "S", stamp(one.refreshAt)},
		{"access_expires_at", "S", stamp(one.expiresAt)},
		{"ttl", "N", strconv.FormatInt(one.expiresAt+keep, 10)},
	}
}

// whole is all of a row.
func whole(place int, one row) []attr {
	return append(
		entry(place, one),
		attr{"account", "S", Account},
		attr{"refresh_token", "S", refreshToken(place)},
		attr{"access_token", "S", token("at-", place, one.written)},
		attr{"client_token", "S", token("ct-", place, one.written)},
		attr{"customer_uid", "S", "customer-" + strconv.Itoa(place)},
		attr{"status", "S", string(store.StatusActive)},
		attr{"recorded_at", "S", stamp(one.expiresAt)},
	)
}

func appendItem(out []byte, attrs []attr) []byte {
	for i, a := range attrs {
		if i == 0 {
			out = append(out, '{')
		} else {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, a.name...)
		out = append(out, `":{"`...)
		out = append(out, a.kind...)
		out = append(out, `":"`...)
		out = append(out, a.value...)
		out = append(out, `"}`...)
	}
	return append(out, '}')
}
