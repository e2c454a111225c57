package store

import (
	"fmt"
	"strconv"
	"strings"
)

// Key names a credential.
type Key struct {
	Provider string
	Account  string
}

// String is "provider/account".
func (k Key) String() string { return k.Provider + "/" + k.Account }

// shardInfix stands between account and shard in the key of a shard's claim:
// "default/shard-3". No account contains a slash.
const shardInfix = "/shard-"

// ShardKey is the key under which a ledger stores the claim of an account's shard.
func ShardKey(account Key, shard int) Key {
	account.Account += shardInfix + strconv.Itoa(shard)
	return account
}

// SplitShardKey is the inverse of ShardKey; ok is false for the key of a credential.
func SplitShardKey(key Key) (account Key, shard int, ok bool) {
	name, number, found := strings.Cut(key.Account, shardInfix)
	if !found { // as in most keys: an error would cost more than all else here
		return key, 0, false
	}
	shard, err := strconv.Atoi(number)
	if err != nil || shard < 0 {
		return key, 0, false
	}
	return Key{Provider: key.Provider, Account: name}, shard, true
}

// ReplyKey is the key under which a ledger stores a credential's reply that could not be
// read. It belongs to a partition of its own, so that no tick reads it.
func ReplyKey(key Key) Key {
	key.Provider += "/reply"
	return key
}

// Document is one of the three secrets of a credential.
type Document string

// The documents.
const (
	Credentials Document = "credentials" // written by people
	TokensDoc   Document = "tokens"      // the chain: refresh and access token
	AccessDoc   Document = "access"      // the access token alone, for readers
)

// Namer is a Secrets that knows the names under which people find its documents.
type Namer interface {
	// Name is the name of the secret.
	Name(key Key, doc Document) string
}

// NameOf is a document's name for people: the store's name for it, else
// provider/account/document.
func NameOf(secrets any, key Key, doc Document) string {
	if n, ok := secrets.(Namer); ok {
		return n.Name(key, doc)
	}
	return fmt.Sprintf("%s/%s", key, doc)
}
