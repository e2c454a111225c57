// Package catalog lists the providers that the operator's command knows.
package catalog

import (
	"fmt"
	"strings"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/tconnect"
	"tokenrefresh/pkg/store"
)

// Entry is a provider.
type Entry struct {
	Name string
	// Sweep: it has transactions, and no chain of tokens.
	Sweep bool
	// New makes its client for an environment, production or sandbox.
	New func(client *exchange.Client, environment string) providers.Described
}

// Documents are those that the home keeps for an account of the provider.
func (e Entry) Documents() []store.Document {
	if e.Sweep {
		return []store.Document{store.Credentials}
	}
	return []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc}
}

var entries = []Entry{
	entry("hesabe", false, hesabe.New),
	entry("tconnect", false, tconnect.New),
	entry("berbix", true, berbix.New),
}

func entry[P providers.Described](name string, sweep bool, create func(*exchange.Client, string) P) Entry {
	return Entry{name, sweep, func(c *exchange.Client, environment string) providers.Described { return create(c, environment) }}
}

// All returns every provider, in a lasting order.
func All() []Entry { return append([]Entry(nil), entries...) }

// Names are the names of all.
func Names() []string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// Find returns a provider by its name.
func Find(name string) (Entry, error) {
	for _, e := range entries {
		if e.Name == name {
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("there is no provider %q: use %s", name, strings.Join(Names(), ", "))
}
