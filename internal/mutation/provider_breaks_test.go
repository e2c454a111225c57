package mutation

import "testing"

// The packages that all providers' clients share.
var (
	verdicts  = target{"../providers/verdict", [][]string{{"-test.run=."}}}
	replies   = target{"../providers/reply", [][]string{{"-test.run=."}}}
	exchanges = target{"../providers/exchange", [][]string{{"-test.run=."}}}
)

func TestEveryVerdictBreakIsCaught(t *testing.T) {
	t.Parallel()
	dependOn(t, "../providers/verdict/*.go", "../providers/reply/*.go")
	verdicts.catches(t, verdictBreaks)
}

func TestEveryReplyBreakIsCaught(t *testing.T) {
	t.Parallel()
	dependOn(t, "../providers/reply/*.go")
	replies.catches(t, replyBreaks)
}

func TestEveryExchangeBreakIsCaught(t *testing.T) {
	t.Parallel()
	dependOn(t, "../providers/exchange/*.go", "../providers/reply/*.go")
	exchanges.catches(t, exchangeBreaks)
}

const (
	verdictFile = "../providers/verdict/verdict.go"
	wordsFile   = "../providers/verdict/words.go"
)

// verdictBreaks are of what an answer means for a refresh token.
var verdictBreaks = []breach{
	{
		name: "a page is the provider's no", file: verdictFile, core: true,
		old:    "case status >= 400 && (said.refused || said.mayBeAboutToken(status, d.Root)):",
		new:    "case status >= 400:",
		broken: "a gateway's page ends a chain that lives",
	},
	{
		name: "an early try is no limit", file: verdictFile,
		old:    "if status == http.StatusTooManyRequests || status == http.StatusTooEarly {",
		new:    "if status == http.StatusTooManyRequests {",
		broken: "425 is retried like a gateway's page",
	},
	{
		name: "303 was not acted on", file: verdictFile,
		old:    "case http.StatusSeeOther, http.StatusRequestTimeout, http.StatusConflict:",
		new:    "case http.StatusRequestTimeout, http.StatusConflict:",
		broken: "a token is presented again after 303, which comes behind an act",
	},
	{
		name: "5xx was not acted on", file: verdictFile,
		old:    "return status < 200 || status >= 500",
		new:    "return status < 200",
		broken: "a token is presented again after 500",
	},
	{
		name: "a success without words is no answer", file: verdictFile,
		old:    "return answer.Fail(providers.Unknown, unknownHint(answer, d))",
		new:    "return answer.Fail(providers.TurnedAway, unknownHint(answer, d))",
		broken: "a token is presented again after a 2xx that nobody could read",
	},
	{
		name: "a limit in words is not heard", file: verdictFile,
		old:    "case said.limited:",
		new:    "case said.limited && !answer.Success():",
		broken: "a rate limit inside a 2xx costs the chain",
	},
	{
		name: "two words, one verdict", file: verdictFile,
		old:    "case said.refused && !said.credentials:",
		new:    "case said.refused:",
		broken: "a wrong client is taken for a dead token",
	},
	{
		name: "a login's no is the token's", file: verdictFile,
		old:    "case answer.Op == \"login\":",
		new:    "case false:",
		broken: "a refused login is taken for a refused token, and retried at once",
	},
	{
		name: "tokens of another status", file: verdictFile,
		old:    "(answer.Success() || r.Tokens.Rotates && !tokens.RefreshToken.IsZero())",
		new:    "answer.Success()",
		broken: "tokens that came with another status are lost",
	},
	{
		name: "an error beside an access token", file: verdictFile,
		old:    "(answer.Success() || r.Tokens.Rotates && !tokens.RefreshToken.IsZero())",
		new:    "(answer.Success() || r.Tokens.Rotates)",
		broken: "an echoed access token is taken for a reply",
	},
	{
		name: "pages are kept", file: verdictFile,
		old:    "case reply.IsHTML(body), !answer.Success()",
		new:    "case !answer.Success()",
		broken: "maintenance pages fill the ledger",
	},
	{
		name: "replies are kept whatever their size", file: verdictFile,
		old:    "case len(body) > providers.MaxRaw:",
		new:    "case false:",
		broken: "a long page stops the reads of all rows",
	},
	{
		name: "a sentence outweighs a code", file: wordsFile,
		old:    "s.refused = s.refused || sentence && !s.other",
		new:    "s.refused = s.refused || sentence",
		broken: "a wrong scope, or a wrong client, is taken for a dead token",
	},
	{
		name: "its own words from anybody", file: wordsFile,
		old:    "s.own && has(w.Refused)",
		new:    "has(w.Refused)",
		broken: "a gateway's 404 in the provider's wording buries tokens",
	},
	{
		name: "form mistakes are refusals", file: wordsFile,
		old:    "sentence = sentence || dead && !aboutForm",
		new:    "sentence = sentence || dead && (!aboutForm || aboutForm)",
		broken: "a list of mistakes about a request's form ends a chain",
	},
}

// replyBreaks are of replies that are odd, and of what in them may be believed.
var replyBreaks = []breach{
	{
		name: "unreadable is absent", file: "../providers/reply/tokens.go",
		old:    "return t, spare && rules.Rotates, true",
		new:    "return t, false, true",
		broken: "the spent refresh token is presented again although a new one came",
	},
	{
		name: "what was cut off is absent", file: "../providers/reply/salvage.go",
		old:    "if accessToken(o) == \"\" || refreshTokenOf(o) == \"\" {",
		new:    "if accessToken(o) == \"\" {",
		broken: "the spent refresh token is presented again after a reply that was cut",
	},
	{
		name: "damaged tokens", file: "../providers/reply/tokens.go",
		old:    "if strings.ContainsFunc(strings.TrimSpace(text), unicode.IsControl) {",
		new:    "if false {",
		broken: "a token with a control character in it is published",
	},
	{
		name: "half a token", file: "../providers/reply/salvage.go",
		old:    "\t\tif end >= len(text) {\n\t\t\treturn unreadable\n\t\t}\n",
		new:    "\t\tend = min(end, len(text))\n",
		broken: "a token that was cut off is published",
	},
	{
		name: "lifetimes without bounds", file: "../providers/reply/lifetime.go",
		old:    "\tif lifetime > longest {\n",
		new:    "\tif false {\n",
		broken: "an access token in milliseconds is believed for days",
	},
	{
		name: "the longer lifetime counts", file: "../providers/reply/lifetime.go",
		old:    "if itself > 0 && itself < lifetime {",
		new:    "if itself > 0 {",
		broken: "a JWT's own end is believed beyond expires_in",
	},
	{
		name: "the header tells of compression", file: "../providers/reply/text.go",
		old:    "\tcase bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):\n",
		new:    "\tcase encoded && bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):\n",
		broken: "a reply is lost that is compressed and does not say so",
	},
	{
		name: "damage costs the tokens", file: "../providers/reply/document.go",
		old:    "d.token = salvage(string(raw))",
		new:    "",
		broken: "a comma too many costs a reply",
	},
}

// exchangeBreaks are of frames, times and handshakes.
var exchangeBreaks = []breach{
	{
		name: "versions are believed", file: "../providers/exchange/answer.go",
		old:    `!strings.HasPrefix(strings.ToUpper(first[0]), "HTTP/")`,
		new:    `!strings.HasPrefix(first[0], "HTTP/1.")`,
		broken: "a reply is lost whose status line names another version",
	},
	{
		name: "blank lines before an answer", file: "../providers/exchange/answer.go",
		old:    "} else if len(lines) > 0 {",
		new:    "} else {",
		broken: "a reply behind a blank line is lost",
	},
	{
		name: "what lies behind a length", file: "../providers/exchange/answer.go",
		old:    "a.body = append(a.body, rest...)",
		new:    "",
		broken: "a reply whose length counts characters loses its end",
	},
	{
		name: "a connection with a rest is used again", file: "../providers/exchange/answer.go",
		old:    "a.reusable = a.reusable && string(rest) == after",
		new:    "_ = after",
		broken: "the end of one answer is taken for the next one",
	},
	{
		name: "announced chunks are believed", file: "../providers/exchange/answer.go",
		old:    "case chunked && beginsAsChunk(from):",
		new:    "case chunked:",
		broken: "a reply that is announced in chunks and comes without is lost",
	},
	{
		name: "nothing is read when the time is up", file: "../providers/exchange/conn.go",
		old:    "c.SetReadDeadline(time.Now().Add(lastRead))",
		new:    "c.SetReadDeadline(time.Now())",
		broken: "a process that was frozen loses a reply that has arrived",
	},
	{
		name: "a request leaves after its end", file: "../providers/exchange/conn.go",
		old:    "\tif ctx.Err() != nil {\n\t\treturn answer{}, false, ctx.Err()\n\t}\n",
		new:    "",
		broken: "a token is sent although its call was given up",
	},
	{
		name: "a byte that has left is forgotten", file: "../providers/exchange/conn.go",
		old:    "return answer{}, n > 0, err",
		new:    "return answer{}, n < 0, err",
		broken: "a token is presented again although half a request has left",
	},
	{
		name: "no try without the post-quantum key share", file: "../providers/exchange/handshake.go",
		old:    "\treturn !wasClassic\n",
		new:    "\treturn false\n",
		broken: "an old firewall stops all refreshes",
	},
	{
		name: "a wait without end", file: "../providers/exchange/retryafter.go",
		old:    "return min(max(at.Sub(now), time.Second), maxRetryAfter)",
		new:    "return max(at.Sub(now), time.Second)",
		broken: "a Retry-After of years stops all refreshes",
	},
	{
		name: "a client that is refused has sent its token", file: "../providers/exchange/client.go",
		old:    "case to.asked && refusesClient(err):",
		new:    "case false:",
		broken: "a server that wants a client certificate costs the chain",
	},
}
