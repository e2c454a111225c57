// Package verdict decides what a provider's answer means for the refresh token, by the same rules
// for all providers. A provider contributes its wording and the place of its tokens.
package verdict

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

// Rules are the known facts about one provider's answers.
type Rules struct {
	Tokens reply.Rules
	Words  Words
	// Open, if set, returns the text of an answer, for example by decrypting it, and whether that
	// was needed. If it cannot open an answer, its error is for people.
	Open func(text string) (inner string, opened bool, err error)
	// Complete, if set, reads what this provider alone adds to its tokens.
	Complete func(reply.Document, *providers.Tokens)
	// Secrets names the credentials to correct if the provider refuses them.
	Secrets string
	// Setting names the field of the credentials that holds the address; "": base_url.
	Setting string
	// Hints say what to correct, by an error code in lower case with spaces between its words.
	Hints map[string]string
}

// Read makes tokens of an answer, and an error of one without them.
//
//	tokens, whatever is odd around them            tokens, with warnings
//	429, 425, words for a rate limit               RateLimited
//	303, 408, 409, 5xx, 1xx, cut, unreadable       Unknown
//	a code for a failed server                     Unknown
//	words for a refresh token that is invalid      Refused
//	words for a wrong client, secret or password   Misconfigured
//	a 2xx without such words, and without a code   Unknown
//	JSON that may speak of the token               MaybeRefused
//	any other 4xx or 3xx                           TurnedAway
//
// For a login, Refused and MaybeRefused are Misconfigured.
func (r Rules) Read(answer exchange.Reply) (providers.Tokens, error) {
	text, opened, openErr := answer.Body.Reveal(), false, error(nil)
	if r.Open != nil {
		text, opened, openErr = r.Open(text)
	}
	d := reply.Read(text)
	tokens, unreadable, ok := d.Tokens(answer.Sent, answer.Date, r.Tokens)
	// With a status other than 2xx, tokens count only if the next refresh token is among them: then
	// the provider has acted.
	if ok && !unreadable && (answer.Success() || r.Tokens.Rotates && !tokens.RefreshToken.IsZero()) {
		return r.complete(answer, d, tokens), nil
	}
	if ok && unreadable && answer.Success() {
		tokens = r.complete(answer, d, tokens)
		e := answer.Fail(providers.Unknown, "there is a new refresh token which cannot be read")
		keep(e, answer, text)
		if answer.Op == "login" { // there is no older token to mistake for it
			tokens.Raw = e.Raw
			return tokens, nil
		}
		e.Partial = &tokens
		return providers.Tokens{}, e
	}

	e := r.judge(answer, d, text, opened)
	if openErr != nil && answer.Success() {
		e.Hint = openErr.Error()
	}
	keep(e, answer, text)
	return providers.Tokens{}, e
}

// complete adds the other facts of the answer to the tokens.
func (r Rules) complete(answer exchange.Reply, d reply.Document, tokens providers.Tokens) providers.Tokens {
	tokens.ServerDate = answer.Date
	tokens.Warnings = append(tokens.Warnings, answer.Odd...)
	if !answer.Success() {
		tokens.Warnings = append(tokens.Warnings, fmt.Sprintf("the tokens came with HTTP status %d", answer.Status))
	}
	if answer.Cut != nil {
		tokens.Warnings = append(tokens.Warnings, "the reply was cut off after its tokens")
	}
	if r.Complete != nil {
		r.Complete(d, &tokens)
	}
	return tokens
}

// judge makes the error of an answer without tokens, from its text.
func (r Rules) judge(answer exchange.Reply, d reply.Document, text string, opened bool) *providers.Error {
	status := answer.Status
	if status == http.StatusTooManyRequests || status == http.StatusTooEarly {
		return limited(answer, d) // the status is enough, whatever came of the body
	}
	if acted(status) {
		return answer.Fail(providers.Unknown, "the provider failed to answer")
	}
	if answer.Cut != nil && !d.Whole {
		return answer.Cut
	}
	said := r.Words.find(status, d.Root, opened)
	if answer.Success() && said.code != "" && !reply.HoldsTokens(text) {
		status = http.StatusBadRequest // it refuses in words
	}
	switch {
	case said.limited:
		return limited(answer, d)
	case said.failed:
		return answer.Fail(providers.Unknown, "the provider says that it failed")
	case said.refused && !said.credentials:
		return r.refuse(answer, providers.Refused)
	case said.credentials && !said.refused:
		return r.refuse(answer, providers.Misconfigured)
	case status < 300:
		return answer.Fail(providers.Unknown, unknownHint(answer, d))
	case status >= 400 && (said.refused || said.mayBeAboutToken(status, d.Root)):
		return r.refuse(answer, providers.MaybeRefused)
	}
	hint, known := r.Hints[said.code]
	if !known {
		hint = turnedAwayHint(status, answer.Body.Reveal())
	}
	return answer.Fail(providers.TurnedAway, strings.ReplaceAll(hint, "base_url", cmp.Or(r.Setting, "base_url")))
}

// acted reports whether a provider may have acted before it answered with this status, whatever the
// answer says.
func acted(status int) bool {
	switch status {
	case http.StatusSeeOther, http.StatusRequestTimeout, http.StatusConflict:
		return true
	}
	return status < 200 || status >= 500
}

// limited makes the error of a rate limit.
func limited(answer exchange.Reply, d reply.Document) *providers.Error {
	e := answer.Fail(providers.RateLimited, "the provider asks to wait")
	e.RetryAfter = answer.RetryAfter
	if asked, is := d.Root.Seconds("retry_after"); e.RetryAfter == 0 && is == reply.Usable {
		e.RetryAfter = exchange.ParseRetryAfter(fmt.Sprint(asked.Seconds()), answer.Sent)
	}
	return e
}

// refuse makes the error of a refusal of the token or the credentials. For a login it is always
// about the credentials.
func (r Rules) refuse(answer exchange.Reply, kind providers.Kind) *providers.Error {
	what := "the credentials are refused"
	switch {
	case answer.Op == "login":
		kind, what = providers.Misconfigured, "the login is refused"
	case kind == providers.MaybeRefused:
		return answer.Fail(kind, "the answer does not say what is wrong: it may be the refresh token")
	case kind == providers.Refused:
		return answer.Fail(kind, "the refresh token is not accepted any more")
	}
	return answer.Fail(kind, fmt.Sprintf("%s: correct %s in the credentials secret", what, r.Secrets))
}

func unknownHint(answer exchange.Reply, d reply.Document) string {
	switch {
	case reply.IsHTML(answer.Body.Reveal()):
		return "a page came instead of JSON"
	case d.Root == nil && answer.Body.IsZero():
		return "the answer is empty"
	case d.Root == nil:
		return "the answer is not a JSON object, or its encoding is unknown"
	}
	return "the answer holds no access token that could be read"
}

func turnedAwayHint(status int, body string) string {
	switch {
	case status < 400:
		return "the provider redirects elsewhere: correct base_url"
	case status == http.StatusForbidden:
		return "access denied: a firewall, or the provider does not allow this address"
	case status == http.StatusProxyAuthRequired:
		return "a proxy in between wants a login"
	case reply.IsHTML(body):
		return "a page came instead of JSON: a gateway or firewall answered, or base_url is wrong"
	}
	return "not an answer of this provider's API: a gateway or firewall answered, or base_url is wrong"
}

// keep puts the answer into e if it may hold the only copy of a token. text is the text of the
// answer.
func keep(e *providers.Error, answer exchange.Reply, text string) {
	body := answer.Body.Reveal()
	switch {
	case reply.IsHTML(body), !answer.Success() && !reply.HoldsTokens(text):
		return
	case answer.Success() && e.Kind != providers.Unknown && !reply.HoldsTokens(text):
		return // it says in words that there are none
	case len(body) > providers.MaxRaw:
		e.Hint += fmt.Sprintf("; the answer of %d bytes is too long to keep", len(body))
		return
	}
	e.Raw = secret.New(body)
}
