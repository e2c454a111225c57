package template_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/eventbridge"
)

// A reader's event, as the library writes it, comes to the function of its provider as one
// that the function takes, and to no other; what a reader may put there is this event alone.
func TestRejectionsReachTheirFunction(t *testing.T) {
	t.Parallel()
	const id = "5b1d5c52-3f6c-4a52-8f5e-0f6f6d6b7a11"
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		bus := stack.Environment("RefreshHesabe")["EVENT_BUS"]
		rules := map[string]template.Resource{}
		for _, rule := range stack.Of("AWS::Events::Rule") {
			pattern := template.Get[template.Object](stack.Resources[rule].Properties, "EventPattern")
			provider := words(template.Get[any](pattern, "detail", "provider"))
			if len(provider) == 1 {
				rules[provider[0]] = stack.Resources[rule]
			}
			permission := stack.Resources[rule+"Permission"].Properties
			want := template.Object{
				"Action": "lambda:InvokeFunction", "FunctionName": strings.Replace("Refresh"+rule, "Rejected", "", 1),
				"Principal": "events.amazonaws.com", "SourceArn": rule + ".Arn",
			}
			assert.Check(t, is.DeepEqual(permission, want), "%s may invoke", rule)
		}
		for _, function := range stack.Of(template.Function) {
			provider := template.Provider(function)
			if sweeps(function) {
				continue // whose tokens no reader reports
			}
			rule, found := rules[provider]
			assert.Check(t, found == (bus != ""), "%s: bus %q, a rule is there: %t", provider, bus, found)
			if !found {
				continue
			}
			detail, err := json.Marshal(announce.Rejection{Provider: provider, Account: "shop-2", AttemptID: id})
			assert.NilError(t, err)
			wantRule(t, rule, bus, function, detail)
			e, err := event.Decode([]byte(strings.NewReplacer("<account>", `"shop-2"`, "<rejected>", `"`+id+`"`).Replace(
				template.Get[string](target(t, rule), "InputTransformer", "InputTemplate"))))
			want := (event.Event{Account: "shop-2", Rejected: id})
			assert.Check(t, err == nil && cmp.Equal(want, e), "%s: the function gets %+v, %v", provider, e, err)
		}
		if stack.Resources["RejectionTeller"].Properties == nil {
			return
		}
		for _, s := range statements(stack.Resources["RejectionTeller"]) {
			want := statement{
				effect: "Allow", actions: []string{"events:PutEvents"},
				resources: []string{"arn:aws:events:eu-west-1:123456789012:event-bus/" + bus},
				condition: template.Object{
					"ForAllValues:StringEquals": template.Object{
						"events:source": []any{eventbridge.ReaderSource}, "events:detail-type": []any{string(announce.Rejected)},
					},
					"Null": template.Object{"events:source": "false", "events:detail-type": "false"},
				},
			}
			assert.Check(t, is.DeepEqual(s, want, cmp.AllowUnexported(statement{})), "readers may")
		}
	})
}

func target(t *testing.T, rule template.Resource) template.Object {
	t.Helper()
	targets := template.Get[[]any](rule.Properties, "Targets")
	assert.Assert(t, len(targets) == 1, "targets %v", targets)
	return targets[0].(template.Object)
}

// wantRule checks that a rule takes an event with this detail, and hands on what of it.
func wantRule(t *testing.T, rule template.Resource, bus, function string, detail []byte) {
	t.Helper()
	var sent map[string]string
	assert.NilError(t, json.Unmarshal(detail, &sent))
	exists := []any{template.Object{"exists": true}}
	want := template.Object{
		"source": []any{eventbridge.ReaderSource}, "detail-type": []any{string(announce.Rejected)},
		"detail": template.Object{"provider": []any{sent["provider"]}, "account": exists, "attempt_id": exists},
	}
	assert.Check(t, is.DeepEqual(template.Get[template.Object](rule.Properties, "EventPattern"), want), "%s: pattern", function)
	to := target(t, rule)
	paths := template.Get[template.Object](to, "InputTransformer", "InputPathsMap")
	for _, path := range paths {
		_, found := sent[strings.TrimPrefix(path.(string), "$.detail.")]
		assert.Check(t, found, "%s: nothing lies at %s", function, path)
	}
	if got := rule.Properties["EventBusName"]; got != bus || to["Arn"] != function+".Arn" || len(paths) != 2 {
		t.Errorf("%s: bus %v, target %v, paths %v", function, got, to["Arn"], paths)
	}
}
