package doctor_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/internal/template"
)

// The doctor knows the alarms of each stack that the template can make: a new alarm there must be
// added here.
func TestAlarmsAreThoseOfTheTemplate(t *testing.T) {
	t.Parallel()
	stacks, err := template.LoadVariants("../../../template.yaml")
	assert.NilError(t, err)
	for name, stack := range stacks {
		want := map[string]bool{}
		for _, id := range stack.Of("AWS::CloudWatch::Alarm") {
			want[template.Get[string](stack.Resources[id].Properties, "AlarmName")] = true
		}
		got := map[string]bool{"stack-dead-letters": true}
		for _, entry := range catalog.All() {
			function := "Refresh" + entry.Title
			if stack.Resources[function].Properties == nil { // without an account
				continue
			}
			tick := template.Get[template.Object](stack.Resources[function].Properties, "Events", "Tick", "Properties")
			off := template.Get[string](tick, "State") == "DISABLED"
			queue := stack.Environment(function)["SWEEP_QUEUE_URL"] != ""
			for _, alarm := range doctor.AlarmNames(template.Get[string](tick, "Name"), entry.Sweep, off, queue) {
				got[alarm] = true
			}
		}
		diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
		assert.Check(t, diff == "", "%s (-template +doctor):\n%s", name, diff)
	}
}

// makeIndex creates the template's index.
func TestTheIndexIsThatOfTheTemplate(t *testing.T) {
	t.Parallel()
	stack, err := template.LoadStack("../../../template.yaml", nil)
	assert.NilError(t, err)
	indexes := template.Get[[]any](stack.Resources["Transactions"].Properties, "GlobalSecondaryIndexes")
	_, updates, _ := strings.Cut(doctor.MakeIndex, "--global-secondary-index-updates '")
	assert.Check(t, is.DeepEqual(created(t, strings.TrimSuffix(updates, "'")), indexes))
}

// created are the indexes that a list of updates creates.
func created(t *testing.T, updates string) []any {
	t.Helper()
	var all []struct{ Create map[string]any }
	assert.NilError(t, json.Unmarshal([]byte(updates), &all))
	var indexes []any
	for _, one := range all {
		indexes = append(indexes, one.Create)
	}
	return indexes
}
