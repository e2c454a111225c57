// Package weblogin gets the first refresh token of a credential: a person logs in at the
// service's page, with a browser (RFC 6749, 4.1; RFC 7636; RFC 8252).
package weblogin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

var (
	// ErrOtherLogin is the error of an answer to another login, or of nobody's.
	ErrOtherLogin = errors.New("this is not the answer to this login: its state is another one")
	// ErrNoCode is the error of an address that holds no answer.
	ErrNoCode = errors.New("there is neither a code nor an error in it: give the whole address at which the browser ended")
)

// DeniedError is how the service says no to a login.
type DeniedError struct{ Code, Description string }

// Error implements error. The words are the service's.
func (e *DeniedError) Error() string {
	text := "the service says " + e.Code
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text
}

// Flow is one login. It is good for one code.
type Flow struct {
	Address     string // of the page for the person
	RedirectURI string
	Verifier    string // of PKCE; empty: there is none

	state string
}

// Begin makes a login whose answer comes to redirectURI.
func Begin(a providers.Authorization, redirectURI string) *Flow {
	f := &Flow{RedirectURI: redirectURI, state: rand.Text()}
	var options []oauth2.AuthCodeOption
	if !a.NoPKCE {
		f.Verifier = oauth2.GenerateVerifier()
		options = append(options, oauth2.S256ChallengeOption(f.Verifier))
	}
	config := oauth2.Config{ClientID: a.ClientID, RedirectURL: redirectURI, Endpoint: oauth2.Endpoint{AuthURL: a.URL}}
	if a.Scope != "" {
		config.Scopes = []string{a.Scope}
	}
	f.Address = config.AuthCodeURL(f.state, options...)
	return f
}

// Pasted is Answer for the address at which a browser ended.
func (f *Flow) Pasted(text string) (secret.String, error) {
	address, err := url.Parse(strings.TrimSpace(text))
	if err != nil { // it would quote the text
		return secret.String{}, ErrNoCode
	}
	return f.Answer(address.Query())
}

// Answer returns the code that the browser brought. ErrOtherLogin, ErrNoCode, *DeniedError.
func (f *Flow) Answer(query url.Values) (secret.String, error) {
	code, denied := query.Get("code"), query.Get("error")
	switch {
	case code == "" && denied == "":
		return secret.String{}, ErrNoCode
	case query.Get("state") != f.state:
		return secret.String{}, ErrOtherLogin
	case denied != "":
		return secret.String{}, &DeniedError{short(denied), short(query.Get("error_description"))}
	}
	return secret.New(code), nil
}

// maxSaid bounds what is shown of the service's words, in runes.
const maxSaid = 300

// short is a text of the service in one line.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxSaid {
		return fmt.Sprintf("%s…", string(runes[:maxSaid]))
	}
	return text
}
