package awshome

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gotest.tools/v3/assert"
	compare "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Rows of the last release are read, and written again with the same attributes of that release,
// which reads them after a roll-back.
func TestRowsOfTheLastRelease(t *testing.T) {
	t.Parallel()
	for _, scene := range hometest.LastRelease(t) {
		old, scan := item{}, scanner{text: scene.Item}
		scan.item(old, anyAttribute)
		assert.Assert(t, !scan.failed, "%s: %s", scene.Name, scene.Item)
		stored := item{"provider": text("model"), "account": text("default")}
		maps.Copy(stored, old)
		row, err := decodeRow("table", stored)
		assert.Assert(t, err == nil, "%s: %v", scene.Name, err)
		assert.Check(t, row.Fence != 0, "%s: no fence was read", scene.Name)
		written := encodeRow(row)
		if staged := (&reader{item: old}).moments("staged_at"); row.Staged.Since(time.Time{}) != len(staged) {
			t.Errorf("%s: %d attempts are counted as %q", scene.Name, len(staged), row.Staged)
		}
		if spent, whole := (&reader{item: old}).texts("spent"), (&reader{item: written}).texts("spent"); !slices.Equal(
			whole, spent[max(0, len(spent)-2):]) {
			t.Errorf("%s: the last tokens presented are %q, want the last of %q", scene.Name, whole, spent)
		}
		maps.Copy(written, item{"provider": stored["provider"], "account": stored["account"]})
		if again, err := decodeRow("table", written); err != nil || len(again.Spent) != len(row.Spent) || again.Staged != row.Staged {
			t.Errorf("%s: %+v is written and read as %+v, %v", scene.Name, row, again, err)
		}
		for _, name := range []string{"provider", "account", "spent", "spent_short", "staged", "staged_at"} {
			delete(old, name)
			delete(written, name)
		}
		assert.Check(t, compare.DeepEqual(written, old, attributes), "%s", scene.Name)
	}
}

// The last release goes on with rows of this one. It adds the attributes that it knows, and leaves
// the others as they are; this release counts both.
func TestRowsThatTwoReleasesWrite(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	row := store.Row{Key: store.Key{Provider: "model", Account: "default"}, Fence: 1}
	for n := range 20 {
		at := began.Add(time.Duration(n) * 12 * time.Minute)
		token := secret.New(fmt.Sprint("token ", n))
		stored := encodeRow(row)
		maps.Copy(stored, rowKey(row.Key))
		if n%3 > 0 {
			row.Spent, row.Staged = append(row.Spent, token.Fingerprint()), row.Staged.Add(at)
			row.Spent = row.Spent[max(0, len(row.Spent)-store.SpentKept):]
			continue
		}
		last, _ := stored["spent"].(*types.AttributeValueMemberL)
		if last == nil {
			last = &types.AttributeValueMemberL{}
		}
		stored["spent"] = &types.AttributeValueMemberL{Value: append(last.Value, text(token.Fingerprint()))}
		stored["staged_at"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{number(at.Unix())}}
		var err error
		if row, err = decodeRow("table", stored); err != nil {
			t.Fatal(err)
		}
		if count := row.Staged.Since(began); count != n+1 {
			t.Errorf("%d attempts are counted as %q", n+1, row.Staged)
		}
		for m := max(0, n+1-store.SpentKept); m <= n; m++ {
			assert.Check(t, row.Presented(secret.New(fmt.Sprint("token ", m))),
				"after %d tokens, number %d is not known as presented: %q", n+1, m, row.Spent)
		}
	}
}

// attributes compares the values of attributes.
var attributes = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
	types.AttributeValueMemberBOOL{}, types.AttributeValueMemberL{}, types.AttributeValueMemberM{},
)

// A write names the attributes that it sets or removes: one that a later release has written
// survives it.
func TestUnknownAttributesSurvive(t *testing.T) {
	t.Parallel()
	for title, attributes := range map[string][]string{"row": rowAttributes, "claim": claimAttributes} {
		names := table{}.update(nil, attributes, encodeRow(store.Row{}), "").ExpressionAttributeNames
		assert.Check(t, len(names) == len(attributes), "%s: %v are named, of %v", title, names, attributes)
		for _, name := range names {
			assert.Check(t, slices.Contains(attributes, name), "%s: %s is written", title, name)
		}
	}
}
