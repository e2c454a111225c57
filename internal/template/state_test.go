package template_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const (
	secretType = "AWS::SecretsManager::Secret"
	tableType  = "AWS::DynamoDB::Table"
)

func TestStateIsRetainedAndNamed(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		state := append(stack.Of(secretType), stack.Of(tableType)...)
		all := 1 // the ledger
		for _, entry := range catalog.All() {
			if entry.Sweep {
				all++ // its transactions
			}
			all += len(entry.Usual()) * len(entry.Documents())
		}
		want := []int{0, all}
		assert.Check(t, slices.Contains(want, len(state)), "%d secrets and tables, want one of %v", len(state), want)
		for _, id := range state {
			r := stack.Resources[id]
			name := template.Get[string](r.Properties, "Name") + template.Get[string](r.Properties, "TableName")
			if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" || name == "" || strings.Contains(name, "stack") {
				t.Errorf("%s %q: on delete %q, on replacement %q", id, name, r.DeletionPolicy, r.UpdateReplacePolicy)
			}
		}
	})
}

func TestNoState(t *testing.T) {
	t.Parallel()
	whole := with(t, nil)
	without := with(t, map[string]string{"CreateState": "false"})
	state := append(without.Of(secretType), without.Of(tableType)...)
	assert.Check(t, len(state) == 0, "creates %v", state)
	assert.Check(t, is.DeepEqual(without.Outputs, whole.Outputs), "outputs")
	for _, function := range whole.Of(template.Function) {
		assert.Check(t, is.DeepEqual(without.Environment(function), whole.Environment(function)), "%s", function)
	}
}

// placeholders are frozen: a stack update that changes one overwrites the
// credentials that people have put in its place.
var placeholders = map[string]string{
	"token-refresh/hesabe/default/credentials": `{"placeholder":"Fill in the fields and delete this one. The next tick does the rest.",` +
		` "username":"","password":""}`,
	"token-refresh/tconnect/default/credentials": `{"placeholder":"Fill in the fields and delete this one. The next tick does the rest.",` +
		` "base_url":"","partner_code":"","username":"","password":"","client_id":"","client_secret":"","aes_key":""}`,
	"token-refresh/berbix/default/credentials": `{"placeholder":"Fill in the fields and delete this one. The next tick does the rest.",` +
		` "api_secret":""}`,
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	stack := with(t, nil)
	values := map[string]string{}
	var without []string
	for _, id := range stack.Of(secretType) {
		p := stack.Resources[id].Properties
		name := template.Get[string](p, "Name")
		if _, ok := p["SecretString"]; !ok {
			without = append(without, name)
			continue
		}
		values[name] = template.Get[string](p, "SecretString")
		assert.Check(t, json.Valid([]byte(values[name])), "%s: no JSON", name)
		provider := strings.Split(name, "/")[1]
		_, err := credentials.Read(provider, secret.New(values[name]))
		assert.Check(t, errors.Is(err, providers.ErrNotSeeded), "%s is taken for credentials: %v", name, err)
	}
	for name, want := range placeholders {
		if values[name] != want {
			t.Errorf("%s has the placeholder %s, want %s", name, values[name], want)
		}
	}
	// A value here would end a live chain at a stack update.
	slices.Sort(without)
	var want []string
	for _, entry := range catalog.All() {
		for _, document := range entry.Documents() {
			for _, account := range entry.Usual() {
				if document != store.Credentials {
					want = append(want, "token-refresh/"+entry.Name+"/"+account+"/"+string(document))
				}
			}
		}
	}
	slices.Sort(want)
	assert.Check(t, is.DeepEqual(without, want), "without a value")
}

func TestTables(t *testing.T) {
	t.Parallel()
	stack := with(t, nil)
	attribute := func(name, kind string) any {
		return template.Object{"AttributeName": name, "AttributeType": kind}
	}
	key := func(name, kind string) any { return template.Object{"AttributeName": name, "KeyType": kind} }
	common := template.Object{
		"BillingMode":                      "PAY_PER_REQUEST",
		"PointInTimeRecoverySpecification": template.Object{"PointInTimeRecoveryEnabled": true},
		"DeletionProtectionEnabled":        true, // a ledger that is gone has forgotten what was presented
		"SSESpecification":                 template.Object{"SSEEnabled": true, "SSEType": "KMS"},
	}
	for id, own := range map[string]template.Object{
		"Ledger": {
			"TableName":            "token-refresh-ledger",
			"AttributeDefinitions": []any{attribute("provider", "S"), attribute("account", "S")},
			"KeySchema":            []any{key("provider", "HASH"), key("account", "RANGE")},
		},
		"Transactions": {
			"TableName": "token-refresh-transactions",
			"AttributeDefinitions": []any{
				attribute("transaction_id", "N"), attribute("due_shard", "S"), attribute("refresh_at", "S"),
			},
			"KeySchema": []any{key("transaction_id", "HASH")},
			"GlobalSecondaryIndexes": []any{template.Object{
				"IndexName": "due",
				"KeySchema": []any{key("due_shard", "HASH"), key("refresh_at", "RANGE")},
				"Projection": template.Object{
					"ProjectionType": "INCLUDE", "NonKeyAttributes": []any{"access_expires_at", "failures", "ttl"},
				},
			}},
			"TimeToLiveSpecification": template.Object{"AttributeName": "ttl", "Enabled": true},
		},
	} {
		maps.Copy(own, common)
		assert.Check(t, is.DeepEqual(stack.Resources[id].Properties, own), "%s", id)
	}
}

func TestCustomerKeyIsUsedEverywhere(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:kms:eu-west-1:123456789012:key/1"
	stack := with(t, map[string]string{"KmsKeyArn": arn})
	for _, id := range stack.Of(secretType) {
		assert.Check(t, is.Equal(template.Get[string](stack.Resources[id].Properties, "KmsKeyId"), arn), "%s: key", id)
	}
	for _, id := range stack.Of(tableType) {
		got := template.Get[string](stack.Resources[id].Properties, "SSESpecification", "KMSMasterKeyId")
		assert.Check(t, got == arn, "%s: key %q", id, got)
	}
}
