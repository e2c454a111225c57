package refresh

import "tokenrefresh/pkg/store"

// trouble names a row's trouble that a person must be notified of: a chain that is dead or
// uncertain, or credentials that the provider refused. A failure after an edit is a new trouble.
func trouble(r store.Row) string {
	switch r.State {
	case store.Dead, store.Uncertain:
	case store.Misconfigured:
		if r.LoginRefusals == 0 && r.RefreshRefusals == 0 {
			return ""
		}
	default:
		return ""
	}
	return store.Trouble(r.State, r.CredentialsVersionID, r.SeenVersionID)
}
