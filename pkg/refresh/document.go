package refresh

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// chain is the tokens document: what the next refresh needs and what readers get.
type chain struct {
	accessToken      secret.String
	tokenType        string
	refreshToken     secret.String
	issuedAt         time.Time
	accessExpiresAt  time.Time
	refreshExpiresAt time.Time
	source           store.Source
	attemptID        string // empty: written by a person
	// reply are the fields of the provider's reply that readers get; nil: none.
	reply map[string]json.RawMessage
	// fence is the fence of the claim under which the chain was made; 0: a person's, or from a
	// release that did not write it. A row with a lower fence is older than the chain.
	fence int64

	// others are the keys that are not ours; each version takes them from the one before.
	others map[string]json.RawMessage
}

// newChain is the chain after a provider's reply. It takes its unknown keys from previous. A
// refresh whose reply has no refresh token also keeps that of previous; a login does not, because
// it begins another family of tokens. Times have the document's precision, so that any process that
// finishes the attempt makes the same bytes.
func newChain(t providers.Tokens, previous chain, source store.Source, attemptID string, fence int64) chain {
	c := chain{
		accessToken:      t.AccessToken,
		tokenType:        t.TokenType,
		refreshToken:     t.RefreshToken,
		issuedAt:         t.IssuedAt.UTC().Truncate(time.Second),
		accessExpiresAt:  t.AccessExpiresAt.UTC().Truncate(time.Second),
		refreshExpiresAt: t.RefreshExpiresAt.UTC().Truncate(time.Second),
		source:           source,
		attemptID:        attemptID,
		fence:            fence,
		others:           previous.others,
		reply:            published(t.Reply, previous.reply),
	}
	if c.refreshToken.Blank() && source == store.FromRefresh {
		c.refreshToken = previous.refreshToken
		c.refreshExpiresAt = previous.refreshExpiresAt
	}
	if c.tokenType == "" {
		c.tokenType = "Bearer"
	}
	return c
}

// published are the fields of a reply that readers get. One that this reply does not have is as it
// was before; one that is no longer named is gone.
func published(reply secret.String, previous map[string]json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal([]byte(reply.Reveal()), &fields) // empty: none are named
	for name, raw := range fields {
		if string(raw) != "null" {
			continue
		}
		delete(fields, name)
		if before, ok := previous[name]; ok {
			fields[name] = before
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return fields
}

// of is the chain as the version of an attempt.
func (c chain) of(attemptID string) chain {
	c.attemptID = attemptID
	return c
}

// parseChain reads a tokens document. Errors name the key and never its value.
func parseChain(doc secret.String) (chain, error) {
	var c chain
	text := []byte(doc.Reveal())
	if len(bytes.TrimSpace(text)) == 0 {
		return c, nil
	}
	if !utf8.Valid(text) {
		return c, errors.New("the text is not valid UTF-8")
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil || all == nil {
		return c, errors.New("the text is not a JSON object")
	}
	var errs []error
	str := func(name string) string {
		raw, ok := all[name]
		delete(all, name)
		if !ok || string(raw) == "null" {
			return ""
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			errs = append(errs, fmt.Errorf("%q is not a string", name))
		}
		if strings.ContainsRune(s, utf8.RuneError) { // what encoding/json makes of a lone surrogate
			errs = append(errs, fmt.Errorf("%q is damaged: it holds a character that no token has", name))
		}
		return s
	}
	moment := func(name string) time.Time {
		s := str(name)
		if s == "" {
			return time.Time{}
		}
		t, err := time.Parse(time.RFC3339, s)
		t = t.UTC()
		if err != nil || t.Year() > 9999 || t.Year() < 0 { // such a time could not be written again
			errs = append(errs, fmt.Errorf("%q is not an RFC 3339 time", name))
		}
		return t
	}
	c.accessToken = secret.New(str("access_token"))
	c.tokenType = str("token_type")
	c.refreshToken = secret.New(str("refresh_token"))
	c.issuedAt = moment("issued_at")
	c.accessExpiresAt = moment("access_expires_at")
	c.refreshExpiresAt = moment("refresh_expires_at")
	c.source = store.Source(str("source"))
	c.attemptID = str("attempt_id")
	c.fence = parseFence(all)
	delete(all, "fence")
	if json.Unmarshal(all["reply"], &c.reply) == nil && len(c.reply) > 0 {
		delete(all, "reply")
	}
	c.others = all
	return c, errors.Join(errs...)
}

// maxFence is more claims than a credential ever has.
const maxFence = 1 << 53

// parseFence reads the fence of a document. An impossible one counts as none: no row could go
// beyond it.
func parseFence(all map[string]json.RawMessage) int64 {
	var fence int64
	if json.Unmarshal(all["fence"], &fence) != nil || fence > maxFence {
		return 0
	}
	return max(0, fence)
}

// fenceOf is the fence of a tokens or access document; 0: it has none.
func fenceOf(doc secret.String) int64 {
	var all map[string]json.RawMessage
	_ = json.Unmarshal([]byte(doc.Reveal()), &all) // no document, no fence
	return parseFence(all)
}

// document is the exact text stored as tokens. It depends on c alone, so that another process can
// finish an attempt with the same bytes.
func (c chain) document() secret.String {
	all := c.forReaders()
	all["refresh_token"] = c.refreshToken.Reveal()
	all["issued_at"] = stamp(c.issuedAt)
	if !c.refreshExpiresAt.IsZero() {
		all["refresh_expires_at"] = stamp(c.refreshExpiresAt)
	}
	all["source"] = string(c.source)
	for name, raw := range c.others {
		if _, ours := all[name]; !ours {
			all[name] = raw
		}
	}
	return encode(all)
}

// access is the exact text that readers get. It holds no refresh token.
func (c chain) access(key store.Key) secret.String {
	all := c.forReaders()
	all["refresh_at"] = stamp(refreshAt(key, c.issuedAt, c.accessExpiresAt))
	return encode(all)
}

// forReaders are the keys that tokens and access have in common.
func (c chain) forReaders() map[string]any {
	all := map[string]any{
		"access_token":      c.accessToken.Reveal(),
		"token_type":        c.tokenType,
		"access_expires_at": stamp(c.accessExpiresAt),
		"attempt_id":        c.attemptID,
	}
	if c.fence > 0 {
		all["fence"] = c.fence
	}
	if len(c.reply) > 0 { // an object of its own: no field of a provider's overwrites one of ours
		all["reply"] = c.reply
	}
	return all
}

// encode writes keys in order, which makes the text a function of its values.
func encode(all map[string]any) secret.String {
	text, err := json.Marshal(all)
	if err != nil { // strings and already parsed JSON only
		panic(fmt.Sprintf("encode a document: %T", err))
	}
	return secret.New(string(text))
}

// stamp rounds down to the second: a token never looks fresher.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
