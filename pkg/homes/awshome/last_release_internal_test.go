package awshome

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/store"
)

// What the last release has written is read, and written again as it was: the last release
// reads it after a roll-back.
func TestRowsOfTheLastRelease(t *testing.T) {
	t.Parallel()
	for _, scene := range hometest.LastRelease(t) {
		var plain map[string]any
		if err := json.Unmarshal(scene.Item, &plain); err != nil {
			t.Fatal(err)
		}
		old := itemOf(t, plain)
		stored := item{"provider": text("model"), "account": text("default")}
		maps.Copy(stored, old)
		row, err := decodeRow("table", stored)
		if err != nil {
			t.Fatalf("%s: %v", scene.Name, err)
		}
		if row.Fence == 0 {
			t.Errorf("%s: no fence was read", scene.Name)
		}
		if diff := cmp.Diff(old, encodeRow(row), attributes); diff != "" {
			t.Errorf("%s (-old +new):\n%s", scene.Name, diff)
		}
	}
}

// attributes compares the values of attributes.
var attributes = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
	types.AttributeValueMemberBOOL{}, types.AttributeValueMemberL{}, types.AttributeValueMemberM{},
)

func itemOf(t *testing.T, plain map[string]any) item {
	t.Helper()
	all := item{}
	for name, value := range plain {
		all[name] = attributeOf(t, value)
	}
	return all
}

func attributeOf(t *testing.T, value any) types.AttributeValue {
	t.Helper()
	typed, ok := value.(map[string]any)
	if !ok || len(typed) != 1 {
		t.Fatalf("%v is no attribute", value)
	}
	switch {
	case typed["S"] != nil:
		return text(typed["S"].(string))
	case typed["N"] != nil:
		return &types.AttributeValueMemberN{Value: typed["N"].(string)}
	case typed["BOOL"] != nil:
		return &types.AttributeValueMemberBOOL{Value: typed["BOOL"].(bool)}
	case typed["B"] != nil:
		raw, err := json.Marshal(typed["B"])
		var value []byte
		if err != nil || json.Unmarshal(raw, &value) != nil {
			t.Fatalf("%v is no binary attribute", typed)
		}
		return &types.AttributeValueMemberB{Value: value}
	case typed["M"] != nil:
		return &types.AttributeValueMemberM{Value: itemOf(t, typed["M"].(map[string]any))}
	}
	list, ok := typed["L"].([]any)
	if !ok {
		t.Fatalf("%v is no attribute", typed)
	}
	all := &types.AttributeValueMemberL{}
	for _, element := range list {
		all.Value = append(all.Value, attributeOf(t, element))
	}
	return all
}

// A write names the attributes that it sets or removes: one that a later release has written
// survives it.
func TestUnknownAttributesSurvive(t *testing.T) {
	t.Parallel()
	for title, attributes := range map[string][]string{"row": rowAttributes, "claim": claimAttributes} {
		_, names, _ := update(attributes, encodeRow(store.Row{}))
		if len(names) != len(attributes) {
			t.Errorf("%s: %v are named, of %v", title, names, attributes)
		}
		for _, name := range names {
			if !slices.Contains(attributes, name) {
				t.Errorf("%s: %s is written", title, name)
			}
		}
	}
}
