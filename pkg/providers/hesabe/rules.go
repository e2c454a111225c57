package hesabe

import (
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
)

// lifetime is the documented life of access tokens.
const lifetime = 900 * time.Second

// rules: {"status":true,"response":{"token":{…}}}, and {"status":false,"message":…} for errors,
// with 404 for a dead refresh token. Errors of Passport itself, of its library
// league/oauth2-server, are among the common words.
var rules = verdict.Rules{
	Tokens: reply.Rules{Lifetime: lifetime, Longest: lifetime, Rotates: true, Path: "response.token"},
	Words: verdict.Words{
		Own:     func(root reply.Object) bool { return root.Is("status", false) },
		Refused: []string{"request not found please verify the request data", "please verify the token credentials"},
	},
	Complete: func(d reply.Document, t *providers.Tokens) {
		if d.Root != nil && !d.Root.Is("status", true) {
			t.Warnings = append(t.Warnings, "the reply has tokens, although its status is not true")
		}
	},
	Secrets: "username or password",
}
