package hometest

import (
	_ "embed"
	"encoding/json"
	"testing"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

//go:embed testdata/last_release.json
var lastRelease []byte

// Scene is a credential as the last release left it, in the model of refreshtest: its row in each
// home, and its secrets. During a deployment, or after a roll-back, old and new code read each
// other's rows.
type Scene struct {
	Name     string
	Now      time.Time
	Row      json.RawMessage // of the embedded home
	Item     json.RawMessage // of DynamoDB, with the types of its attributes
	Versions map[store.Document][]store.Version
	Current  map[store.Document][]string // ids that were current, in order
	Live     []string                    // refresh tokens that the provider accepts
	Password string
	Key      string // that the provider seals its replies with
}

// LastRelease are the scenes.
func LastRelease(t *testing.T) []Scene {
	t.Helper()
	type version struct{ ID, Value string }
	var stored []struct {
		Scene
		Versions map[store.Document][]version
	}
	must(t, json.Unmarshal(lastRelease, &stored))
	var all []Scene
	for _, s := range stored {
		scene := s.Scene
		scene.Versions = map[store.Document][]store.Version{}
		for doc, versions := range s.Versions {
			for _, v := range versions {
				scene.Versions[doc] = append(scene.Versions[doc], store.Version{ID: v.ID, Value: secret.New(v.Value)})
			}
		}
		all = append(all, scene)
	}
	if len(all) < 19 {
		t.Fatalf("there are %d scenes only", len(all))
	}
	return all
}
