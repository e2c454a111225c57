package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/config"
)

// checked is a flag whose value is checked while the line is parsed.
type checked struct {
	kind  string // for the help: of a string, of strings with commas between them, of a stringArray without
	words []string
	set   func(values ...string) error
	given []string
}

// Set implements pflag.Value.
func (c *checked) Set(text string) error {
	switch c.kind {
	case "strings":
		c.given = append(c.given, list(text)...)
	case "stringArray":
		c.given = append(c.given, text)
	default:
		c.given = []string{text}
	}
	return c.set(c.given...)
}

// String implements pflag.Value.
func (c *checked) String() string { return strings.Join(c.given, ",") }

// Type implements pflag.Value.
func (c *checked) Type() string { return c.kind }

// list is a text's parts between commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

// flag adds a flag to a verb, with its default.
func (o *options) flag(cmd *cobra.Command, name string, otherwise any, usage string, c *checked) {
	o.flagIn(cmd, cmd.Flags(), name, otherwise, usage, c)
}

// flagIn adds a flag to one of a command's sets. A default that is wrong comes from the environment:
// it is an error when a verb begins.
func (o *options) flagIn(cmd *cobra.Command, flags *pflag.FlagSet, name string, otherwise any, usage string, c *checked) {
	if text := fmt.Sprint(otherwise); text != "" {
		if err := c.Set(text); err != nil {
			o.wrong = errors.Join(o.wrong, fmt.Errorf("%w: the default of --%s: %w", errUsage, name, err))
		}
	}
	flags.Var(c, name, usage)
	c.given = nil // what is given replaces the default
	if len(c.words) > 0 {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(c.words, cobra.ShellCompDirectiveNoFileComp))
	}
}

// one takes a value that read understands.
func one[T any](to *T, kind string, read func(string) (T, error)) *checked {
	return &checked{kind: kind, set: func(values ...string) (err error) {
		*to, err = read(values[0])
		return err
	}}
}

// many takes any number of them.
func many[T any](to *[]T, kind string, read func(string) (T, error)) *checked {
	return &checked{kind: kind, set: func(values ...string) error {
		*to = nil
		for _, value := range values {
			element, err := read(value)
			if err != nil {
				return err
			}
			*to = append(*to, element)
		}
		return nil
	}}
}

// choosing reads one of some words.
func choosing[T ~string](words ...T) func(string) (T, error) {
	return func(text string) (T, error) {
		if !slices.Contains(words, T(text)) {
			return "", fmt.Errorf("must be %s", either(words...))
		}
		return T(text), nil
	}
}

// choice takes one of some words.
func choice[T ~string](to *T, words ...T) *checked {
	c := one(to, "string", choosing(words...))
	for _, word := range words {
		c.words = append(c.words, string(word))
	}
	return c
}

// either lists words for people: "a, b or c".
func either[T ~string](words ...T) string {
	text := ""
	for i, word := range words {
		switch {
		case i > 0 && i == len(words)-1:
			text += " or "
		case i > 0:
			text += ", "
		}
		text += string(word)
	}
	return text
}

// oneProvider takes one of some providers. others says why it can be no other.
func oneProvider(to *catalog.Entry, some []catalog.Entry, others string) *checked {
	names := catalog.NamesOf(some)
	c := one(to, "string", func(name string) (catalog.Entry, error) {
		entry, err := catalog.Find(name)
		if err == nil && !slices.Contains(names, name) {
			err = fmt.Errorf("%s %s", name, others)
		}
		return entry, err
	})
	c.words = names
	return c
}

// someProviders takes any of all providers.
func someProviders(to *[]catalog.Entry) *checked {
	return &checked{kind: "strings", words: catalog.Names(), set: func(names ...string) (err error) {
		*to, err = catalog.Select(names...)
		return err
	}}
}

// account adds the flag for an account of these providers, else of those on the line.
func (o *options) account(cmd *cobra.Command, to *string, otherwise, usage string, providers ...string) {
	o.flag(cmd, "account", otherwise, usage, one(to, "string", accountName))
	o.completeAccounts(cmd, providers...)
}

// accounts adds the flag for many.
func (o *options) accounts(cmd *cobra.Command, to *[]string, usage string) {
	o.flag(cmd, "account", "", usage, many(to, "strings", accountName))
	o.completeAccounts(cmd)
}

func accountName(text string) (string, error) {
	if !config.ValidAccount(text) {
		return "", errors.New("must be up to 64 letters, digits and _ . @ + = -, the first a letter or digit")
	}
	return text, nil
}

// prefix reads the first part of secrets' names.
func prefix(text string) (string, error) {
	if !config.ValidPrefix(text) {
		return "", errors.New("must be a path of letters, digits and _ . @ + = -")
	}
	return text, nil
}

// within reads what lies between two bounds; what says so.
func within[T cmp.Ordered](what string, read func(string) (T, error), least, most T) func(string) (T, error) {
	return func(text string) (T, error) {
		value, err := read(text)
		if err != nil || value < least || value > most {
			err = errors.New("must be " + what)
		}
		return value, err
	}
}

func whole(to *int, least, most int) *checked {
	return one(to, "int", within(fmt.Sprintf("from %d to %d", least, most), strconv.Atoi, least, most))
}

func lasting(to *time.Duration, what string, least, most time.Duration) *checked {
	return one(to, "duration", within(what, time.ParseDuration, least, most))
}

// id takes the number of a transaction.
func id(to *int64) *checked {
	read := func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }
	return one(to, "int", within("a number above 0", read, 1, math.MaxInt64))
}

// moment reads a time, or how long ago it was.
func moment(text string) (time.Time, error) {
	now := time.Now()
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		err = fmt.Errorf("must be a time such as %s, or how long ago, such as 90m", now.UTC().Format(time.RFC3339))
	}
	return at, err
}
