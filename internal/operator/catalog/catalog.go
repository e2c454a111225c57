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
	// Title is how people and the template write the name.
	Title string
	// Sweep: it has transactions, and no chain of tokens.
	Sweep bool
	// RefreshExpiry: its replies say when the refresh token ends.
	RefreshExpiry bool
	// New makes its client for an environment, production or sandbox.
	New func(client *exchange.Client, environment string) providers.Described
	// ExpiryAlarm is the template's parameter for the alarm of the same name.
	ExpiryAlarm Threshold
}

// Threshold is a parameter of the template for an alarm, in seconds.
type Threshold struct {
	Default, Max int // no Max: 0
	Description  string
}

// Documents are those that the home keeps for an account of the provider.
func (e Entry) Documents() []store.Document {
	if e.Sweep {
		return []store.Document{store.Credentials}
	}
	return []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc}
}

var entries = []Entry{
	{Name: "hesabe", Title: "Hesabe", New: client(hesabe.New), ExpiryAlarm: Threshold{
		Default: 120, Max: 170,
		Description: "Alarm when Hesabe's access token has fewer seconds left. It is refreshed with 180 left.",
	}},
	{Name: "tconnect", Title: "TConnect", RefreshExpiry: true, New: client(tconnect.New), ExpiryAlarm: Threshold{
		Default:     3600,
		Description: "Alarm when TConnect's access token has fewer seconds left. Of its 10 hours it is refreshed with 2 left.",
	}},
	{Name: "berbix", Title: "Berbix", Sweep: true, New: client(berbix.New), ExpiryAlarm: Threshold{
		Default:     120,
		Description: "Alarm when an access token of Berbix has fewer seconds left.",
	}},
}

// client gives a provider's constructor the type that all share.
func client[P providers.Described](create func(*exchange.Client, string) P) func(*exchange.Client, string) providers.Described {
	return func(c *exchange.Client, environment string) providers.Described { return create(c, environment) }
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
