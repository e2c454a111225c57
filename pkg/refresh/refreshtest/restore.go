package refreshtest

import (
	"fmt"
	"slices"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Snapshot is a recorded world with one credential, Default.
type Snapshot struct {
	Now      time.Time
	Row      store.Row
	Versions map[store.Document][]store.Version
	Current  map[store.Document][]string // ids that were current, in order
	Live     []string                    // refresh tokens that the provider accepts
	Password string
	Key      string
}

// Restored is a new world that goes on from a snapshot.
func Restored(s Snapshot) *World {
	w := New()
	defer w.lock()()
	w.now = s.Now
	w.ids = 1000 // beyond all that were given out
	w.Ledger.rows[Default] = s.Row
	w.Ledger.rows[Default] = stored(w.Ledger.rows[Default])
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		d := &document{versions: map[string]secret.String{}, created: map[string]time.Time{}, history: slices.Clone(s.Current[doc])}
		for _, v := range s.Versions[doc] {
			d.versions[v.ID] = v.Value
		}
		w.Secrets.docs[place{Default, doc}] = d
	}
	w.Provider.Password, w.Provider.Key = s.Password, s.Key
	for _, token := range s.Live {
		f := &family{issued: s.Now}
		if _, err := fmt.Sscanf(token, "rt-%d-%d", &f.number, &f.generation); err != nil {
			panic(err)
		}
		w.Provider.families = append(w.Provider.families, f)
	}
	return w
}
