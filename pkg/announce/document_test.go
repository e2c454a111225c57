package announce_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/eventbridge"
)

// The document's first event is one that we send, with all its fields except those of sweeps and digests.
func TestDocumentedEvent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/events.md")
	assert.NilError(t, err)
	_, sample, _ := strings.Cut(string(text), "    {\n")
	var got struct {
		Source     string
		DetailType announce.Type `json:"detail-type"`
		Time       string
		Detail     json.RawMessage
	}
	assert.NilError(t, json.NewDecoder(strings.NewReader("{"+sample)).Decode(&got))
	decoder := json.NewDecoder(bytes.NewReader(got.Detail))
	decoder.DisallowUnknownFields()
	var event announce.Event
	assert.Check(t, decoder.Decode(&event))
	assert.Check(t, got.Source == eventbridge.Source && got.DetailType == announce.Failed,
		"%s of %s", got.DetailType, got.Source)
	fields := reflect.ValueOf(event)
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		if fields.Field(i).IsZero() && name != "Type" && name != "At" && name != "Outcomes" && name != "Accounts" {
			t.Errorf("%s is not shown", name)
		}
	}
}
