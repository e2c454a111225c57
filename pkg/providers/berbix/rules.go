package berbix

import (
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
	"tokenrefresh/pkg/secret"
)

// rules: a flat object with an access_token. The documentation says only that expires_in is short:
// without it a token counts as expired, and a day is the longest. Errors are not documented; the
// SDKs read status, reason, message, code and readable.
var rules = verdict.Rules{
	Tokens: reply.Rules{Longest: 24 * time.Hour},
	Words: verdict.Words{
		Own: func(root reply.Object) bool { return root.Says("reason") || root.Says("readable") },
		Refused: []string{
			"transaction was deleted", "transaction has been deleted", "transaction is deleted", "transaction not found",
			"transaction was not found", "transaction does not exist", "transaction expired", "transaction has expired",
		},
		Credentials: []string{"api secret is not valid", "api secret is invalid"},
		Each:        true,
	},
	Complete: func(d reply.Document, t *providers.Tokens) {
		t.ClientToken = secret.New(strings.TrimSpace(d.Token().Token("client_token")))
		t.TransactionID = d.Token().ID("transaction_id")
	},
	Secrets: "api_secret",
}
