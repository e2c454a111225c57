package reply

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

// Rules are the known facts about a provider's replies.
type Rules struct {
	// Lifetime is that of an access token whose reply names none; 0: it counts as expired.
	Lifetime time.Duration
	// Known: Lifetime is not a guess of ours, so its use needs no warning.
	Known bool
	// Never: a lifetime that cannot be read counts as none, and not as expired.
	Never bool
	// Longest is the longest life of an access token; 0: 30 days.
	Longest time.Duration
	// Rotates: a reply may carry a new refresh token, and the one presented is spent then.
	Rotates bool
	// Keeps: a reply without a refresh token needs no warning; the presented one stays.
	Keeps bool
	// Path is where the tokens should be, as "response.token"; "": anywhere.
	Path string
}

// Tokens reads the fields that all providers share. It is false if there is no access token. Any
// other oddity becomes a warning. sent is when the request was sent, date the provider's clock
// then; zero: unknown.
//
// unreadable reports a new refresh token that cannot be read: it is no text, is damaged, or has
// another name or place. The presented one is spent then.
func (d Document) Tokens(sent, date time.Time, rules Rules) (t providers.Tokens, unreadable, ok bool) {
	o := d.token
	if o == nil {
		return providers.Tokens{}, false, false
	}
	t = providers.Tokens{
		AccessToken:  secret.New(accessToken(o)),
		RefreshToken: secret.New(refreshTokenOf(o)),
		TokenType:    o.Text("token_type"),
		IssuedAt:     sent,
	}
	warn := func(is bool, text string) {
		if is {
			t.Warnings = append(t.Warnings, text)
		}
	}
	written, _ := quoted(o["access_token"])
	spare := t.RefreshToken.IsZero() && (d.spare || hasSpare(o, "", ""))
	expected := rules.Rotates && !rules.Keeps && t.RefreshToken.IsZero()
	warn(d.broken, "there is more in the reply than its JSON, or its JSON is damaged: the readable part counts")
	warn(rules.Path != "" && d.path != rules.Path, "the tokens are not where they should be in the reply")
	warn(written != t.AccessToken.Reveal(), "access_token has white space at its ends: it is left out")
	warn(spare, "the reply has a new refresh token that cannot be read: it is no text under the name refresh_token")
	warn(expected && !spare, "the reply has no refresh_token, although a new one was expected")
	warn(t.TokenType != "" && !strings.EqualFold(t.TokenType, "Bearer"), "token_type is not Bearer")
	t.TokenType = cmp.Or(t.TokenType, "Bearer")
	if date.IsZero() {
		date = sent
	}
	lifetime, odd := o.lifetime(t.AccessToken.Reveal(), date, rules)
	t.Warnings = append(t.Warnings, odd...)
	t.AccessExpiresAt = sent.Add(lifetime)
	for _, name := range []string{"refresh_expires_in", "refresh_token_expires_in", "x_refresh_token_expires_in"} {
		// 0 is Keycloak's "no expiry", and an unusable number is no reason to declare a new token
		// dead.
		if lifetime, is := o.Seconds(name); is == Usable && t.RefreshExpiresAt.IsZero() {
			t.RefreshExpiresAt = sent.Add(lifetime)
		}
	}
	return t, spare && rules.Rotates, true
}

// accessToken is o's access token without white space at its ends, which no header takes; "" if
// there is none, or a damaged one.
func accessToken(o Object) string { return strings.TrimSpace(o.Token("access_token")) }

// refreshTokenOf is o's refresh token, byte for byte; "" if there is none, or a damaged one.
func refreshTokenOf(o Object) string { return o.Token("refresh_token") }

// Token is the text of that name, or "" if Text is, or if it has control characters.
func (o Object) Token(name string) string {
	text := o.Text(name)
	if strings.ContainsFunc(strings.TrimSpace(text), unicode.IsControl) {
		return ""
	}
	return text
}

// hasSpare reports whether o has something named like a refresh token, beside the readable one.
// below leaves out the field of o, at path, that leads to that.
func hasSpare(o Object, below, path string) bool {
	for name, raw := range o {
		if at := strings.TrimPrefix(path+"."+name, "."); below != "" && strings.HasPrefix(below+".", at+".") {
			continue
		}
		if isSpare(name, raw) {
			return true
		}
	}
	return false
}

// describing are words in names of fields about a refresh token that do not hold it.
var describing = []string{
	"exp", "life", "ttl", "valid", "issued", "type", "hint", "uri", "url", "status", "count", "policy", "rotat", "reuse",
	"revo", "enable", "age", "interval", "error", "message",
}

// isSpare reports whether a field looks like a refresh token. null and blank are none.
func isSpare(name string, raw json.RawMessage) bool {
	text, isText := quoted(raw)
	if string(raw) == "null" || isText && strings.TrimSpace(text) == "" {
		return false
	}
	switch plain := letters(name); {
	case plain == "refreshtoken":
		return true
	case !strings.Contains(plain, "refreshtoken") && plain != "refresh":
		return false
	default:
		for _, word := range describing {
			if strings.Contains(plain, word) {
				return false
			}
		}
		return isText && tokenLike(text) || raw[0] == '{' || raw[0] == '['
	}
}

// tokenLike reports whether a text could be a token: it is one long word.
func tokenLike(text string) bool {
	const shortest = 8
	return len(text) >= shortest && !strings.ContainsFunc(text, unicode.IsSpace)
}

// letters is name in lower case, without separators between its words.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// named reports whether a text that cannot be parsed names a refresh token.
func named(text string) bool {
	return strings.Contains(letters(text), "refreshtoken")
}

// HoldsTokens reports whether a text seems to hold a token: in JSON a long word under the name of a
// token, else such a name.
func HoldsTokens(text string) bool {
	raw := asJSON(text)
	if !json.Valid(raw) {
		plain := letters(text)
		return strings.Contains(plain, "accesstoken") || strings.Contains(plain, "refreshtoken")
	}
	found := false
	walk(raw, func(path string, o Object) {
		for name, raw := range o {
			if strings.Contains(letters(path+name), "token") && !strings.Contains(letters(name), "type") {
				inner, isText := quoted(raw)
				number := len(raw) > 0 && raw[0] >= '0' && raw[0] <= '9' && tokenLike(string(raw))
				found = found || number || isText && tokenLike(inner) && utf8.ValidString(inner)
			}
		}
	})
	return found
}
