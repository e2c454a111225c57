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
	for _, warning := range r.Warnings {
		lines = append(lines, "  warning: "+warning)
	}
	return strings.Join(lines, "\n")
}

func credentialEnded(provider string, c handler.Credential, flags string, now time.Time) []string {
	key := store.Key{Provider: provider, Account: c.Account}
	said := fmt.Sprintf("%s: %s", key, c.Outcome)
	if at, err := time.Parse(time.RFC3339, c.AccessExpiresAt); err == nil {
		if left := at.Sub(now).Truncate(time.Second); left > 0 {
			said += fmt.Sprintf(", the access token expires in %s", left)
		} else {
			said += fmt.Sprintf(", the access token expired %s ago", -left)
		}
	}
	lines := []string{said}
	add := func(mark, text string) {
		if text != "" {
			lines = append(lines, "  "+mark+strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	add("because: ", c.Reason)
	if c.Error != "" {
		add("", c.Error)
		add("", loginHere(key, c.Outcome, flags))
	} else {
		add("", whatNow(key, c.Outcome, flags))
	}
	for _, warning := range c.Warnings {
		add("warning: ", warning)
	}
	return lines
}

// loginHere is the login that an error advises, on a home that the error does not know.
func loginHere(key store.Key, what outcome.Outcome, flags string) string {
	entry, err := catalog.Find(key.Provider)
	if err != nil || flags == "" || !entry.Browser || what != outcome.Dead && what != outcome.Uncertain {
		return ""
	}
	return "on this home: " + home.Command("login", key, flags)
}

// whatNow is what to do about an outcome without an error.
func whatNow(key store.Key, what outcome.Outcome, flags string) string {
	switch what {
	case outcome.Busy:
		return "another run is at work, or one has died: its claim ends by itself within two minutes"
	case outcome.Paused:
		return "a person paused it: " + home.Command("resume", key, flags)
	case outcome.NotSeeded: // a warning says what is missing
		text := "put in what is missing: " + home.Command("seed credentials", key, flags)
		if entry, err := catalog.Find(key.Provider); err == nil && !entry.Sweep {
			text += " or " + home.Command(entry.Begins(), key, flags)
		}
		return text
	case outcome.Superseded:
		return "somebody edited the secret meanwhile: the next run refreshes that"
	case outcome.NotDue:
		return "it is not due yet, or backs off after a failure; --force refreshes anyway"
	default:
		return ""
	}
}

// counted lists outcomes with their counts.
func counted(outcomes map[outcome.Outcome]int) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(outcomes)) {
		all = append(all, fmt.Sprintf("%s %d", what, outcomes[what]))
	}
	return strings.Join(all, ", ")
}
