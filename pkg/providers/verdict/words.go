package verdict

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"tokenrefresh/pkg/providers/reply"
)

// Words are one provider's wording, beside the common words: those of RFC 6749, and of widespread
// authorization servers.
//
// They are phrases, compared with each text in the JSON of an answer, in lower case and with single
// spaces between words. They count in the provider's own errors only.
type Words struct {
	// Own reports whether an error is the provider's own, and not a gateway's. An answer that had
	// to be decrypted is always its own.
	Own func(reply.Object) bool
	// Refused are phrases for: this refresh token is dead.
	Refused []string
	// Credentials are phrases for: client, secret or password are wrong.
	Credentials []string
	// Each: the credentials go with each call, so the provider's own 401 is about them, unless it
	// names a token.
	Each bool
	// Code, if set, returns the error code of an answer; empty: it has none. An answer with a code
	// is the provider's own, and a refusal even with a 2xx. The code names what is wrong: the
	// refresh token only for codes in Dead and for the common ones.
	Code func(reply.Object) string
	Dead []string
}

// The common words. Codes are whole texts, the others are phrases within a text.
var (
	refusedCodes    = []string{"invalid grant", "bad refresh token"}
	credentialCodes = []string{
		"invalid client", "unauthorized client", "invalid client id", "bad client id", "bad client secret",
		"incorrect client credentials",
	}
	// As a code: the server failed, and may have acted before.
	failedCodes = []string{
		"server error", "internal error", "internal server error", "fatal error", "unknown error", "unexpected error",
	}
	// They are not about the token, whatever the sentence beside them says.
	otherCodes = []string{
		"unsupported grant type", "invalid scope", "invalid target", "access denied", "server error", "temporarily unavailable",
	}
	credentialWords = []string{
		"client authentication failed", "invalid client credentials", "invalid client secret",
		"invalid credentials", "bad credentials", "credentials are invalid", "credentials are incorrect",
		"invalid user credentials", "user credentials were incorrect", "credentials do not match",
		"invalid username or password", "incorrect username or password", "wrong username or password",
		"username or password is incorrect", "username or password is invalid", "wrong password", "invalid password",
		"invalid api key", "api key is invalid", "invalid api secret",
	}
	limitWords = []string{
		"slow down", "too many requests", "too many attempts", "too many login attempts", "rate limit", "rate limited",
		"ratelimited", "throttled", "throttling", "request limit exceeded", "quota exceeded",
	}
	// They are about some token, perhaps this one.
	tokenWords = []string{
		"unauthenticated", "invalid token", "token is invalid", "token invalid", "token expired", "token is expired",
		"token has expired", "expired token", "token revoked", "token has been revoked", "token is not active",
		"session not active", "session expired", "jwt expired",
	}
)

// said is the meaning of an answer's known words.
type said struct {
	refused, credentials, limited bool

	failed bool   // its code says that the server failed
	code   string // as plain text; empty: it has none

	own   bool // it is the provider's own error
	doubt bool // it is about some token
	other bool // it is about something else
}

// find reads the words of an answer with this status. opened: it was encrypted.
func (w Words) find(status int, root reply.Object, opened bool) said {
	var s said
	if root == nil {
		return s
	}
	if w.Code != nil {
		s.code = strings.TrimSpace(plain(w.Code(root)))
	}
	s.own = opened || w.Own != nil && w.Own(root) || s.code != ""
	s.failed = slices.Contains(failedCodes, s.code)
	s.refused = slices.Contains(w.Dead, s.code)
	// A list of mistakes about fields of a request may be about their form.
	aboutForm := status == http.StatusUnprocessableEntity || root.Says("errors")
	s.limited = root.ID("code") == http.StatusTooManyRequests
	sentence := false // that says it without a code
	texts(root, func(text string) {
		has := func(phrases []string) bool {
			return slices.ContainsFunc(phrases, func(phrase string) bool { return strings.Contains(text, " "+phrase+" ") })
		}
		is := func(codes []string) bool { return slices.Contains(codes, strings.TrimSpace(text)) }
		dead := refreshTokenIsDead(text)
		s.limited = s.limited || has(limitWords)
		s.refused = s.refused || is(refusedCodes) || s.own && has(w.Refused)
		sentence = sentence || dead && !aboutForm
		s.credentials = s.credentials || is(credentialCodes) || has(credentialWords) || s.own && has(w.Credentials)
		s.doubt = s.doubt || has(tokenWords) || dead
		s.other = s.other || is(otherCodes) || is(credentialCodes)
	})
	s.refused = s.refused || sentence && !s.other
	if status == http.StatusUnauthorized && w.Each && s.own && !s.doubt {
		s.credentials = true
	}
	return s
}

// mayBeAboutToken reports whether a 4xx in JSON may be about the refresh token, although no known
// word says so.
func (s said) mayBeAboutToken(status int, root reply.Object) bool {
	if s.code != "" {
		return s.doubt
	}
	switch status {
	case http.StatusUnauthorized, http.StatusUnprocessableEntity:
		return root != nil
	case http.StatusBadRequest:
		return s.doubt || s.own || root.Says("errors")
	case http.StatusNotFound, http.StatusGone:
		return s.doubt || s.own
	}
	return s.doubt
}

// maxTexts bounds how many texts of an answer are looked at.
const maxTexts = 200

// texts visits the texts in an answer, with a space at both ends of each.
func texts(root reply.Object, visit func(string)) {
	left := maxTexts
	level := []json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(root)) {
		level = append(level, root[name])
	}
	for ; len(level) > 0 && left > 0; left-- {
		raw := level[0]
		level = level[1:]
		var text string
		var list []json.RawMessage
		var object map[string]json.RawMessage
		switch {
		case json.Unmarshal(raw, &text) == nil:
			if !strings.Contains(text, "://") { // an address is no statement
				visit(plain(text))
			}
		case json.Unmarshal(raw, &list) == nil:
			level = append(level, list...)
		case json.Unmarshal(raw, &object) == nil:
			for _, name := range slices.Sorted(maps.Keys(object)) {
				level = append(level, object[name])
			}
		}
	}
}

// plain is text in lower case, its words separated by single spaces, and a space at both
// ends.
func plain(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
	})
	joined := " " + strings.Join(words, " ") + " "
	return strings.ReplaceAll(joined, " refreshtoken ", " refresh token ")
}

// passing are words of temporary errors, which prove nothing about a token.
var passing = []string{"unavailable", "temporarily", "temporary", "timeout", "maintenance", "missing"}

// dead are words that end a refresh token, if they stand close enough to it.
var (
	dead = []string{
		"invalid", "expired", "revoked", "unknown", "inactive", "used", "reused", "reuse", "consumed", "stale", "blacklisted",
		"unrecognized", "unrecognised",
	}
	notDead = []string{"valid", "active", "found", "exist", "recognized", "recognised", "accepted"}
)

const (
	wordsBefore = 3 // "invalid or expired refresh token"
	wordsBehind = 6 // "refresh token has already been used"
)

// refreshTokenIsDead reports whether text says that a refresh token is invalid, expired,
// revoked, used or unknown.
func refreshTokenIsDead(text string) bool {
	words := strings.Fields(text)
	at := 1
	for ; at < len(words) && (words[at-1] != "refresh" || words[at] != "token"); at++ {
	}
	passes := strings.Contains(text, " try again ") || strings.Contains(text, " grant type ") ||
		slices.ContainsFunc(words, func(w string) bool { return slices.Contains(passing, w) })
	if at >= len(words) || passes {
		return false
	}
	near := slices.Concat(words[max(0, at-1-wordsBefore):at-1], words[at+1:min(len(words), at+1+wordsBehind)])
	not := slices.ContainsFunc(near, func(w string) bool { return w == "not" || w == "longer" || w == "t" })
	return slices.ContainsFunc(near, func(w string) bool {
		return slices.Contains(dead, w) || not && slices.Contains(notDead, w)
	})
}
