package seed

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

// maxName is how much of a name is shown: enough to recognise a secret that was pasted as a name.
const maxName = 64

// Shown makes another's name safe to show: short, and without control characters.
func Shown(name string) string {
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName]) + "…"
	}
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` || name == "" || strings.Contains(name, " ") {
		return quoted
	}
	return name
}

// unknownFields are the names in text that the provider ignores. The error names those that were
// probably mistyped.
func unknownFields(provider providers.Described, text secret.String) ([]string, error) {
	all, err := reply.Parse(text.Reveal())
	if err != nil {
		return nil, nil //nolint:nilerr // Open reports it
	}
	known := provider.Fields()
	for _, field := range known {
		delete(all, field.Name)
	}
	names := slices.Sorted(maps.Keys(all))
	var mistyped []error
	for _, name := range names {
		for _, field := range known {
			if meant(name, field.Name) {
				mistyped = append(mistyped, fmt.Errorf("%s is not known to %s: is %s meant?", Shown(name), provider.Name(), field.Name))
				break
			}
		}
	}
	return ShownAll(names), errors.Join(mistyped...)
}

// opened is a session with the credentials in text, and the names that the provider ignores. The
// error holds all mistakes.
func opened(provider providers.Described, text secret.String) (session providers.Session, unknown []string, err error) {
	unknown, mistyped := unknownFields(provider, text)
	session, err = provider.Open(text)
	return session, unknown, errors.Join(mistyped, placeholders(text), err)
}

// placeholders is an error that names the values which were copied from a document.
func placeholders(text secret.String) error {
	all, _ := reply.Parse(text.Reveal()) // Open reports what cannot be read
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all.Text(name) == "…" {
			errs = append(errs, fmt.Errorf("%s is the placeholder … of a document: put your own value there", Shown(name)))
		}
	}
	return errors.Join(errs...)
}

// maxNames is how many unknown names are shown.
const maxNames = 10

// meant reports whether a name is another one, mistyped: apart from case, dashes and underscores,
// one letter is wrong, missing or too many, or two are swapped.
func meant(typed, name string) bool {
	fold := func(s string) []rune {
		return []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s)))
	}
	a, b := fold(typed), fold(name)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// ShownAll makes names safe to show.
func ShownAll(names []string) []string {
	shown := make([]string, 0, min(len(names), maxNames+1))
	for _, name := range names[:min(len(names), maxNames)] {
		shown = append(shown, Shown(name))
	}
	if more := len(names) - maxNames; more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return shown
}
