package awshome_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/homes/hometest"
)

func ledgerItem(account, more string) string {
	return `{"provider":{"S":"hesabe"},"account":{"S":"` + account + `"},"fence":{"N":"7"}` + more + `}`
}

// A page is read as the SDK reads it.
func TestRowsAreThoseThatTheSDKReads(t *testing.T) {
	t.Parallel()
	page := func(items ...string) string {
		return `{"Count":1,"Items":[` + strings.Join(items, ",") + `],"ScannedCount":1}`
	}
	pages := map[string]string{
		"none":            page(),
		"no list":         `{"Count":0}`,
		"one":             page(ledgerItem("a", "")),
		"unknown members": `{"ConsumedCapacity":{"Table":{"Units":[1,2.5e3,-0.1,true,null,"]}\""]}},"Items":[` + ledgerItem("a", "") + `]}`,
		"unknown attributes": page(ledgerItem("a", `,"later":{"SS":["x","y"]},"far":{"M":{"a":{"L":[{"N":"1"},{"NULL":true}]}}},"phase":{"S":"idle"}`),
			ledgerItem("b", "")),
		"of other types": page(ledgerItem("a", `,"state":{"N":"7"}`), ledgerItem("b", `,"spent":{"SS":["x"]}`),
			ledgerItem("c", `,"session_ends":{"BOOL":false},"unanswered":{"BOOL":true}`), ledgerItem("d", `,"tick":{"S":"7"}`)),
		"texts": page(ledgerItem(`\u00e9\"\\\/\n\ud83d\ude00`, `,"last_error":{"S":"é😀 <why> \t \u003c \ud800"},"host":{"S":""}`)),
		"white space": "\n{ \"Items\" : [ " + strings.NewReplacer(":", " : ", ",", " ,\t", "{", "{\r\n", "}", " }").Replace(
			ledgerItem("a", `,"unanswered":{"BOOL":true},"staged":{"S":"1772366400 1"},"escrow":{"M":{"attempt_id":{"S":"x"},`+
				`"bytes":{"B":"cGxhbnRlZA=="},"raw":{"BOOL":true}}}`)) + " ] }\n",
		"a claim among them": page(ledgerItem("a", ""), `{"provider":{"S":"hesabe"},"account":{"S":"a#3"},"fence":{"N":"2"},`+
			`"phase":{"S":"sending"},"claimed_by":{"S":"run"},"claimed_until":{"S":"2026-03-01T12:01:29.999Z"}}`),
	}
	var last []string
	for _, scene := range hometest.LastRelease(t) {
		last = append(last, strings.Replace(string(scene.Item), "{", `{"provider":{"S":"hesabe"},"account":{"S":"`+scene.Name+`"},`, 1))
	}
	pages["of the last release"] = page(last...)
	for name, body := range pages {
		s := &script{t: t, answers: map[string][]answer{"Query": {ok(body)}}}
		clients := s.clients()
		rows, claims, err := clients.Ledger("ledger").RowsAndShardClaims(t.Context(), "hesabe")
		assert.Check(t, len(s.calls) == 1, "%s: %d calls", name, len(s.calls))
		theirs, theirClaims, theirErr := awshome.NewLedger(clients.DynamoDB, "ledger").RowsAndShardClaims(t.Context(), "hesabe")
		assert.Assert(t, err == nil && theirErr == nil, "%s: %v, by the SDK %v", name, err, theirErr)
		texts := cmp.Transformer("error", func(err error) string { return fmt.Sprint(err) })
		if diff := cmp.Diff(theirs, rows, texts) + cmp.Diff(theirClaims, claims, texts); diff != "" {
			t.Errorf("%s (-SDK +quick):\n%s", name, diff)
		}
		if diff := cmp.Diff(decoded(t, s.bodies[1]), decoded(t, s.bodies[0])); diff != "" {
			t.Errorf("%s: the same question (-SDK +quick):\n%s", name, diff)
		}
	}
}

func TestRowsOfManyPages(t *testing.T) {
	t.Parallel()
	first := `{"Items":[` + ledgerItem("a", "") + `],"LastEvaluatedKey":{"provider":{"S":"hesabe"},"account":{"S":"a"}}}`
	for name, tt := range map[string]struct {
		answers []answer
		calls   int
	}{
		"two pages":                   {[]answer{ok(first), ok(`{"Items":[` + ledgerItem("b", "") + `]}`)}, 2},
		"throttled":                   {[]answer{ok(first), refusal("ThrottlingException"), ok(`{"Items":[` + ledgerItem("b", "") + `]}`)}, 3},
		"the second is cut":           {[]answer{ok(first), ok(`{"Items":[` + ledgerItem("b", "") + `,{"pro`), ok(`{"Items":[` + ledgerItem("b", "") + `]}`)}, 3},
		"the second is lost":          {[]answer{ok(first), lost(), ok(`{"Items":[` + ledgerItem("b", "") + `]}`)}, 3},
		"the second is broken inside": {[]answer{ok(first), {status: http.StatusOK, body: `{"Items":[{}}]}`}, ok(`{"Items":[` + ledgerItem("b", "") + `]}`)}, 3},
	} {
		s := &script{t: t, answers: map[string][]answer{"Query": tt.answers}}
		rows, err := s.clients().Ledger("ledger").Rows(t.Context(), "hesabe")
		if err != nil || len(rows) != 2 || rows[0].Account != "a" || rows[1].Account != "b" || len(s.calls) != tt.calls {
			t.Errorf("%s: %d calls, %v, %v", name, len(s.calls), rows, err)
			continue
		}
		want := map[string]any{"provider": map[string]any{"S": "hesabe"}, "account": map[string]any{"S": "a"}}
		for _, body := range s.bodies[1:] {
			assert.Check(t, is.DeepEqual(decoded(t, body)["ExclusiveStartKey"], want), "%s: where the second page begins", name)
		}
	}
}
