package template_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/eventbridge"
	"tokenrefresh/pkg/store"
)

// statement is one of a policy, its lists always lists.
type statement struct {
	effect    string
	actions   []string
	resources []string
	condition template.Object
}

func (s statement) about(service string) bool { return strings.HasPrefix(s.actions[0], service+":") }

// statements returns what a resource's policies say.
func statements(r template.Resource) []statement {
	documents := []template.Object{template.Get[template.Object](r.Properties, "PolicyDocument")}
	for _, policy := range template.Get[[]any](r.Properties, "Policies") {
		documents = append(documents, template.Get[template.Object](policy.(template.Object), "PolicyDocument"))
	}
	var list []statement
	for _, document := range documents {
		for _, s := range template.Get[[]any](document, "Statement") {
			o := s.(template.Object)
			list = append(list, statement{
				effect: template.Get[string](o, "Effect"), actions: words(o["Action"]), resources: words(o["Resource"]),
				condition: template.Get[template.Object](o, "Condition"),
			})
		}
	}
	return list
}

func words(v any) []string {
	if list, ok := v.([]any); ok {
		var all []string
		for _, item := range list {
			all = append(all, fmt.Sprint(item))
		}
		return all
	}
	return []string{fmt.Sprint(v)}
}

var (
	action = regexp.MustCompile(`^[a-z0-9]+:[A-Za-z]+$`)
	// Wildcards stand for an account's name and for the six characters that Secrets
	// Manager puts behind a name, and nowhere else.
	resource = regexp.MustCompile(
		`^(arn:aws:secretsmanager:[^*?]+:secret:[^*?]+/(\*|default|\$\{aws:PrincipalTag/token-refresh-account\})/(credentials|tokens|access)-\?{6}|[^*?]+)$`)
)

func TestNoPermissionIsWiderThanItMust(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		seen := 0
		for id, r := range stack.Resources {
			for _, s := range statements(r) {
				seen++
				if s.effect == "Deny" {
					continue
				}
				for _, a := range s.actions {
					assert.Check(t, action.MatchString(a), "%s allows %q", id, a)
				}
				if id == "Network" && slices.Equal(s.resources, []string{"*"}) && s.about("ec2") {
					continue // network interfaces know no resource to name
				}
				for _, r := range s.resources {
					assert.Check(t, resource.MatchString(r), "%s allows %v on %q", id, s.actions, r)
				}
				if s.about("kms") && template.Get[any](s.condition, "StringEquals", "kms:ViaService") == nil {
					t.Errorf("%s may use the key outside of its services", id)
				}
			}
		}
		assert.Check(t, seen >= 15, "only %d statements seen", seen)
	})
}

func TestEachFunctionHasItsOwnStateOnly(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		for _, function := range stack.Of(template.Function) {
			provider := template.Provider(function)
			role := strings.TrimSuffix(template.Get[string](stack.Resources[function].Properties, "Role"), ".Arn")
			assert.Check(t, role == function+"Role", "%s runs as %q", function, role)
			var writesCredentials, transactions bool
			for _, s := range statements(stack.Resources[role]) {
				for _, r := range s.resources {
					switch {
					case s.about("secretsmanager"):
						assert.Check(t, strings.Contains(r, "/"+provider+"/"), "%s may %v %s", function, s.actions, r)
						writesCredentials = writesCredentials ||
							strings.Contains(r, "credentials") && slices.Contains(s.actions, "secretsmanager:PutSecretValue")
					case strings.HasSuffix(r, "-ledger"):
						own := template.Get[[]any](s.condition, "ForAllValues:StringEquals", "dynamodb:LeadingKeys")
						reply := store.ReplyKey(store.Key{Provider: provider}).Provider
						if sweeps(function) && !slices.Equal(own, []any{provider}) || !sweeps(function) && !slices.Equal(own, []any{provider, reply}) {
							t.Errorf("%s reaches the rows of %v", function, own)
						}
					case strings.Contains(r, "-transactions"):
						transactions = true
						if table := strings.Split(r, "/")[1]; table != stack.Environment(function)["TRANSACTIONS_TABLE"] {
							t.Errorf("%s reaches %s", function, table)
						}
					case s.about("logs") && r != function+"Logs.Arn":
						t.Errorf("%s writes to %s", function, r)
					}
				}
			}
			assert.Check(t, !writesCredentials, "%s may write credentials", function)
			assert.Check(t, transactions == sweeps(function), "%s: transactions %v", function, transactions)
		}
	})
}

func TestKeyIsNamedOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		own := len(stack.Resources["HesabeCredentials"].Properties) > 0 &&
			stack.Resources["HesabeCredentials"].Properties["KmsKeyId"] != nil
		policies := []string{"EachFunction"}
		for _, entry := range catalog.All() {
			if id := entry.Title + "AccessReader"; stack.Resources[id].Properties != nil {
				policies = append(policies, id)
			}
		}
		for _, id := range policies {
			uses := slices.ContainsFunc(statements(stack.Resources[id]), func(s statement) bool { return s.about("kms") })
			assert.Check(t, uses == own, "%s: uses a key: %v, there is one: %v", id, uses, own)
		}
	})
}

func TestReaderOfTransactionsSeesNoRefreshToken(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		for _, entry := range catalog.All() {
			for _, s := range statements(stack.Resources[entry.Title+"AccessReader"]) {
				if !s.about("dynamodb") {
					continue
				}
				attributes := template.Get[[]any](s.condition, "ForAllValues:StringEquals", "dynamodb:Attributes")
				// IfExists or no Select at all would let through a request that names none.
				selection := template.Get[string](s.condition, "StringEquals", "dynamodb:Select")
				if !slices.Equal(s.actions, []string{"dynamodb:GetItem"}) || len(attributes) == 0 ||
					slices.Contains(attributes, any("refresh_token")) || selection != "SPECIFIC_ATTRIBUTES" {
					t.Errorf("%s: %+v", entry.Title, s)
				}
			}
		}
	})
}

// Events go to the one bus, under the one name; without a bus nobody may put any.
func TestFunctionsAnnounceToOneBus(t *testing.T) {
	t.Parallel()
	for bus, want := range map[string][]string{"": nil, "team/tokens": {"arn:aws:events:eu-west-1:123456789012:event-bus/team/tokens"}} {
		stack := with(t, map[string]string{"EventBusName": bus})
		var buses []string
		for id, r := range stack.Resources {
			for _, s := range statements(r) {
				if !s.about("events") || id == "RejectionTeller" {
					continue
				}
				buses = append(buses, s.resources...)
				source := template.Get[[]any](s.condition, "ForAllValues:StringEquals", "events:source")
				if !slices.Equal(s.actions, []string{"events:PutEvents"}) || !slices.Equal(source, []any{any(eventbridge.Source)}) {
					t.Errorf("%s: %+v", id, s)
				}
			}
		}
		assert.Check(t, slices.Equal(buses, want), "bus %q: events may go to %v", bus, buses)
		for _, function := range stack.Of(template.Function) {
			assert.Check(t, is.Equal(stack.Environment(function)["EVENT_BUS"], bus), "bus of %s", function)
			policies := words(stack.Resources[function+"Role"].Properties["ManagedPolicyArns"])
			assert.Check(t, slices.Contains(policies, "Announcements") == (bus != ""),
				"%s, bus %q: policies %v", function, bus, policies)
		}
	}
}

// descriptions of the reader policies. IAM cannot change one: CloudFormation would replace the
// policy, and it cannot delete one that is attached.
func descriptions() map[string]string {
	all := map[string]string{
		"RejectionTeller": "Puts Token Rejected of the source token-refresh.reader on one event bus, and no other event",
	}
	for _, entry := range catalog.All() {
		description := "Reads the access token of " + entry.Title + `'s account "default", and nothing that could rotate it`
		switch {
		case entry.Sweep:
			description = "Reads transactions of " + entry.Title + " without their refresh tokens"
		case entry.OwnAccounts:
			description = "Reads the access token of the " + entry.Title + " account that the role's tag token-refresh-account names, " +
				"and nothing that could rotate it"
		}
		all[entry.Title+"AccessReader"] = description
	}
	return all
}

func TestReaderPoliciesAreNeverReplaced(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		for id, want := range descriptions() {
			p := stack.Resources[id].Properties
			if got := template.Get[string](p, "Description"); got != want && p != nil {
				t.Errorf("%s: %q, and deployed stacks have %q", id, got, want)
			}
			for _, property := range []string{"ManagedPolicyName", "Path"} { // the same
				assert.Check(t, p[property] == nil, "%s has a %s", id, property)
			}
		}
	})
}

// One policy serves the readers of all accounts: a role's tag names the one that it may read.
func TestOAuth2IsThereForItsAccounts(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, stack *template.Stack) {
		accounts := template.Get[string](stack.Resources["RefreshOAuth2"].Properties, "Environment", "Variables", "ACCOUNTS")
		for id, r := range stack.Resources {
			if accounts == "" && strings.Contains(id, "OAuth2") {
				t.Errorf("%s is there without an account", id)
			}
			if name := template.Get[string](r.Properties, "Name"); r.Type == "AWS::SecretsManager::Secret" && strings.Contains(name, "oauth2") {
				t.Errorf("the stack makes the secret %s", name)
			}
		}
		if accounts == "" {
			return
		}
		read := statements(stack.Resources["OAuth2AccessReader"])[0]
		const own = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-refresh/oauth2/${aws:PrincipalTag/token-refresh-account}/access-??????"
		if accounts != "xero,hubspot-eu" || !slices.Equal(read.resources, []string{own}) || !read.about("secretsmanager") {
			t.Errorf("accounts %s, readers: %+v", accounts, read)
		}
	})
}

// As Lambda's documentation lists what a function in a VPC needs.
func TestFunctionsReachTheirVPC(t *testing.T) {
	t.Parallel()
	for ids, want := range map[string]bool{"": false, "subnet-1,subnet-2": true} {
		stack := with(t, map[string]string{"SubnetIds": ids, "SecurityGroupIds": strings.Repeat("sg-1", strings.Count(ids, ","))})
		for _, function := range stack.Of(template.Function) {
			policies := words(stack.Resources[function+"Role"].Properties["ManagedPolicyArns"])
			assert.Check(t, slices.Contains(policies, "Network") == want,
				"%s in %q: policies %v", function, ids, policies)
		}
		got := statements(stack.Resources["Network"])
		if !want {
			continue
		}
		needed := []string{
			"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
			"ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
		}
		assert.Check(t, len(got) == 1 && slices.Equal(got[0].actions, needed), "%+v", got)
	}
}
