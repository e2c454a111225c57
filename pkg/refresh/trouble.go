package refresh

import "tokenrefresh/pkg/store"

// trouble names a row's trouble that a person must be notified of: a chain that is dead or
// uncertain, or credentials that the provider refused. A failure after an edit is a new trouble.
func trouble(r store.Row) string {
	refused := r.State == store.Misconfigured && (r.LoginRefusals > 0 || r.RefreshRefusals > 0)
	if r.State != store.Dead && r.State != store.Uncertain && !refused {
		return ""
	}
	return store.Trouble(r.State, r.CredentialsVersionID, r.SeenVersionID)
}
