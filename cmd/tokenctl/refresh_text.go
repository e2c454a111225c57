package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// errAgain is in the errors of runs that failed without harm.
var errAgain = errors.New("failed without harm; a later run tries again")

// verdict is the error of a run's result. A dead transaction is an error only if it is the one that
// was asked for.
func verdict(r handler.Result, named bool) error {
	for _, c := range r.Credentials {
		if c.Outcome.NeedsPerson() {
			return fmt.Errorf("%w: %s/%s is %s", errPerson, r.Provider, c.Account, c.Outcome)
		}
	}
	if named && r.Outcomes[outcome.Dead] > 0 {
		return fmt.Errorf("%w: the transaction is dead: record it again with a new refresh token", errPerson)
	}
	passed := maps.Clone(r.Outcomes)
	maps.DeleteFunc(passed, func(what outcome.Outcome, n int) bool { return !what.Passes() || n == 0 })
	if len(passed) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", r.Provider, counted(passed), errAgain)
}

// idle is the error of runs that could not do what a person had asked for; nil if one of them did
// something, or found nothing to do.
func idle(results ...handler.Result) error {
	var said []string
	for _, r := range results {
		for what, n := range r.Outcomes {
			switch {
			case n == 0:
			case what.Blocked():
				said = append(said, fmt.Sprintf("%s is %s", r.Provider, what))
			default:
				return nil
			}
		}
	}
	if len(said) == 0 {
		return nil
	}
	slices.Sort(said)
	return fmt.Errorf("%w: %s", errNothing, strings.Join(said, ", "))
}

// ended describes how a run ended. transaction is the one that was asked for; 0: none was. flags
// name the home in printed commands.
func ended(r handler.Result, transaction int64, flags string, now time.Time) string {
	var lines []string
	if entry, err := catalog.Find(r.Provider); err != nil || entry.Sweep {
		subject := r.Provider
		if transaction != 0 {
			subject = fmt.Sprintf("%s transaction %d", r.Provider, transaction)
		}
		lines = append(lines, subject+": "+counted(r.Outcomes))
	}
	for _, c := range r.Credentials {
		lines = append(lines, credentialEnded(r.Provider, c, flags, now)...)
	}
	return strings.Join(append(lines, indented("warning: ", r.Warnings...)...), "\n")
}

func credentialEnded(provider string, c handler.Credential, flags string, now time.Time) []string {
	said := fmt.Sprintf("%s/%s: %s", provider, c.Account, c.Outcome)
	if at, err := time.Parse(time.RFC3339, c.AccessExpiresAt); err == nil {
		if left := at.Sub(now).Truncate(time.Second); left > 0 {
			said += fmt.Sprintf(", the access token expires in %s", left)
		} else {
			said += fmt.Sprintf(", the access token expired %s ago", -left)
		}
	}
	lines := []string{said}
	if c.Reason != "" {
		lines = append(lines, indented("because: ", c.Reason)...)
	}
	if c.Error != "" {
		lines = append(lines, indented("", strings.Split(c.Error, "\n")...)...)
		if login := loginHere(provider, c, flags); login != "" {
			lines = append(lines, indented("", login)...)
		}
	} else if hint := whatNow(provider, c, flags); hint != "" {
		lines = append(lines, indented("", hint)...)
	}
	return append(lines, indented("warning: ", c.Warnings...)...)
}

// loginHere is the login that an error advises, on a home that the error does not know.
func loginHere(provider string, c handler.Credential, flags string) string {
	entry, err := catalog.Find(provider)
	if err != nil || flags == "" || !entry.Browser || c.Outcome != outcome.Dead && c.Outcome != outcome.Uncertain {
		return ""
	}
	return "on this home: " + home.Command("login", store.Key{Provider: provider, Account: c.Account}, flags)
}

// whatNow is what to do about an outcome without an error.
func whatNow(provider string, c handler.Credential, flags string) string {
	key := store.Key{Provider: provider, Account: c.Account}
	switch c.Outcome {
	case outcome.Busy:
		return "another run is at work, or one has died: its claim ends by itself within two minutes"
	case outcome.Paused:
		return "a person paused it: " + home.Command("resume", key, flags)
	case outcome.NotSeeded:
		return "nobody has put credentials in yet: " + home.Command("seed credentials", key, flags)
	case outcome.Superseded:
		return "somebody edited the secret meanwhile: the next run refreshes that"
	case outcome.NotDue:
		return "it is not due yet, or backs off after a failure; --force refreshes anyway"
	default:
		return ""
	}
}

func indented(mark string, texts ...string) []string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, "  "+mark+text)
	}
	return lines
}

// counted lists outcomes with their counts.
func counted(outcomes map[outcome.Outcome]int) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(outcomes)) {
		all = append(all, fmt.Sprintf("%s %d", what, outcomes[what]))
	}
	return strings.Join(all, ", ")
}
