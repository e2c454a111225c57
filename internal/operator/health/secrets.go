package health

import (
	"fmt"
	"time"
)

// settling is how long after a refresh a read of a secret may still be stale.
const settling = time.Minute

// all are the secrets of the credential.
func (c Credential) all() []Secret {
	if c.Sweep {
		return []Secret{c.Credentials}
	}
	return []Secret{c.Credentials, c.Tokens, c.Access}
}

// Absent reports whether the credential was never set up.
func (c Credential) Absent() bool {
	for _, s := range c.all() {
		if s.Fault != Missing {
			return false
		}
	}
	return !c.Exists
}

// notSeeded is the finding about credentials that nobody has put in.
func (c Credential) notSeeded() Finding {
	switch {
	case c.Credentials.Fault == Empty, c.Credentials.Fault == Missing:
		return act(NotSeeded, "nobody has filled in the secret "+c.Credentials.Name, "put the provider's credentials in",
			c.command("seed credentials"))
	case c.Sweep, c.CanLogin, c.RefreshToken, c.Credentials.Fault != "", c.Tokens.Fault == Unread, c.Row.AttemptID != "":
		return Finding{}
	}
	cause := fmt.Sprintf("there is neither a login in the secret %s nor a refresh token in %s", c.Credentials.Name, c.Tokens.Name)
	return act(NotSeeded, cause, c.newChain(), c.seeds()...)
}

// secretAtFault is the finding about the first secret that no run can use.
func (c Credential) secretAtFault() Finding {
	if c.Absent() {
		return Finding{}
	}
	for _, s := range c.all() {
		cause := fmt.Sprintf("secret %s: %v", s.Name, s.Err)
		switch {
		case s.Fault == Missing:
			return act(SecretAtFault, cause, "create it: `seed credentials` creates every missing secret", c.command("seed credentials"))
		case s.Fault == Deleted:
			return act(SecretAtFault, fmt.Sprintf("the secret %s is scheduled for deletion", s.Name), "bring it back",
				c.aws("secretsmanager restore-secret --secret-id "+s.Name))
		case s.Fault == Rotating:
			cause = fmt.Sprintf("AWS's own rotation is on for the secret %s: two writers would take versions from each other", s.Name)
			return act(SecretAtFault, cause, "switch it off", c.aws("secretsmanager cancel-rotate-secret --secret-id "+s.Name))
		case s.Fault == Broken && s.Name == c.Tokens.Name:
			return act(SecretAtFault, cause, `put a refresh token into it, as {"refresh_token":"…"}`, c.begin())
		case s.Fault == Broken:
			return act(SecretAtFault, cause, "correct its text", c.command("seed credentials"))
		}
	}
	return Finding{}
}

// unchecked is the finding about a secret that could not be read from here.
func (c Credential) unchecked() Finding {
	for _, s := range c.all() {
		if s.Fault == Unread {
			return warn(Unchecked, fmt.Sprintf("secret %s: %v", s.Name, s.Err),
				"look again as somebody who may read it: this proves nothing about the function")
		}
	}
	return Finding{}
}

// accessEdited is the finding about an access secret that no run has published.
func (c Credential) accessEdited(now time.Time) Finding {
	r := c.Row
	published := r.PublishedVersionID
	switch {
	case published == "", published != r.VersionID, r.Escrow.AttemptID != "", now.Sub(r.LastSuccessAt) < settling,
		c.Access.Version == published, c.Access.Fault != "" && c.Access.Fault != Empty:
		return Finding{}
	}
	cause := fmt.Sprintf("no run has published the value of the secret %s: a person, or a rotation, has edited it", c.Access.Name)
	return act(AccessEdited, cause, "the next refresh puts it right; to have that now, force one", c.command("refresh --force"))
}
