package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto/deployed"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/internal/sandbox"
)

const (
	hesabeFunction = deployed.Name + "-refresh-hesabe"
	hesabeTokens   = deployed.Prefix + "/hesabe/default/tokens"
)

// awsTroubles are those of a stack, broken in turn.
var awsTroubles = []trouble{
	{
		name: "nobody has put credentials in", fresh: true,
		breaks: func(*testing.T, *site) {},
		status: told{exitPerson, "nobody has filled in the secret token-refresh/tconnect/default/credentials", "tokenctl seed credentials --provider tconnect"},
		doctor: told{exitPerson, "nobody has filled in the secret token-refresh/tconnect/default/credentials", "tokenctl seed credentials --provider tconnect"},
		types:  func(s *site) string { return s.Credentials(sandbox.TConnect) },
		acts: func(t *testing.T, s *site) { // as both tell
			s.seeds(t, sandbox.Hesabe, s.Credentials(sandbox.Hesabe))
			s.seeds(t, sandbox.Berbix, s.Credentials(sandbox.Berbix))
		},
	},
	{
		name: "the schedule is switched off",
		breaks: func(t *testing.T, s *site) {
			s.switchesOff(t)
			s.passes(t, sandbox.Hesabe, 30*time.Minute)
		}, noRun: true,
		status: told{exitPerson, "a refresh is due, and no run has begun one for", "tokenctl doctor"}, // which sees the schedule
		doctor: told{exitPerson, hesabeFunction + " is switched off: nothing calls the function", "aws --region eu-west-1 scheduler update-schedule"},
	},
	{
		name: "the permission to read a secret is gone",
		breaks: func(t *testing.T, s *site) {
			s.aws.Front.Refuse["GetSecretValue "+hesabeTokens] = "AccessDeniedException"
			s.due(t, sandbox.Hesabe)
		},
		status: told{exitPerson, `read the secret "` + hesabeTokens + `": the role needs secretsmanager:GetSecretValue`, "tokenctl doctor"},
		doctor: told{exitPerson, "AWS refuses secretsmanager:GetSecretValue", "allow secretsmanager:GetSecretValue"},
		acts:   func(_ *testing.T, s *site) { s.aws.Front.Reset() },
	},
	{
		name: "a secret is deleted",
		breaks: func(t *testing.T, s *site) {
			_, err := s.aws.Secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String(hesabeTokens)})
			must(t, err)
			s.due(t, sandbox.Hesabe)
		},
		status: told{exitPerson, "the secret " + hesabeTokens + " is scheduled for deletion", "aws secretsmanager restore-secret --secret-id " + hesabeTokens},
		doctor: told{exitPerson, "the secret " + hesabeTokens + " is scheduled for deletion", "aws --region eu-west-1 secretsmanager restore-secret"},
	},
	{
		name:   "somebody has edited the ledger",
		breaks: func(t *testing.T, s *site) { s.writes(t, "phase", &dynamotypes.AttributeValueMemberN{Value: "1"}) },
		both:   told{exitPerson, `row hesabe/default: attribute "phase" is not a string`, "correct what the cause names"},
		acts: func(t *testing.T, s *site) {
			s.writes(t, "phase", &dynamotypes.AttributeValueMemberS{Value: "idle"})
		},
	},
	{
		name: "nobody has confirmed the mail of the alarms",
		breaks: func(_ *testing.T, s *site) { // moto takes every subscription for confirmed
			pending := regexp.MustCompile(`<SubscriptionArn>.*?</SubscriptionArn>`)
			s.aws.Front.Rewrite["ListSubscriptionsByTopic"] = func(body string) string {
				return pending.ReplaceAllString(body, "<SubscriptionArn>PendingConfirmation</SubscriptionArn>")
			}
		},
		status: nothing,
		doctor: told{exitPerson, deployed.Mail + " has not confirmed", "aws --region eu-west-1 sns subscribe"},
		acts:   func(_ *testing.T, s *site) { s.aws.Front.Reset() }, // the mail's link is followed
	},
}

func TestTroubleOnAWS(t *testing.T) {
	stack := deployed.Start(t, "../../template.yaml", nil)
	onAWS(t, stack.Front.URL)
	t.Setenv("PROVIDERS", strings.Join(catalog.NamesOf(seed.Played()), ","))
	h, err := home.Open(t.Context(), home.Options{
		Kind: home.AWS, SecretPrefix: deployed.Prefix, LedgerTable: deployed.Ledger, TransactionsTable: deployed.Transactions,
	})
	must(t, err)
	s := &site{(&world{h, nil}).provision(t), stack}
	stack.Front.Invoke = func(path string) (string, bool) { return s.invoked(t, path) }
	for _, b := range awsTroubles {
		t.Run(b.name, func(t *testing.T) { b.play(t, s) })
	}
	s.doctor(t).want(t, exitDone)
}

func must(t *testing.T, err error) {
	t.Helper()
	assert.NilError(t, err)
}

// invoked is what Lambda answers to a dry run of a function: what the command says here.
func (s *site) invoked(t *testing.T, path string) (answer string, fault bool) {
	t.Helper()
	_, provider, _ := strings.Cut(path, "-refresh-")
	provider, _, _ = strings.Cut(provider, "/")
	got := s.run(t, "", "refresh", "--dry-run", "--json", "--provider", provider)
	if got.code == exitDone {
		return got.out, false
	}
	text, err := json.Marshal(map[string]string{"errorType": "NeedsPersonError", "errorMessage": strings.TrimSpace(got.err)})
	must(t, err)
	return string(text), true
}

// switchesOff switches Hesabe's schedule off, as a click on AWS's console does.
func (s *site) switchesOff(t *testing.T) {
	t.Helper()
	now, err := s.aws.Scheduler.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String(hesabeFunction)})
	must(t, err)
	_, err = s.aws.Scheduler.UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
		Name: now.Name, ScheduleExpression: now.ScheduleExpression, FlexibleTimeWindow: now.FlexibleTimeWindow, Target: now.Target,
		State: schedulertypes.ScheduleStateDisabled,
	})
	must(t, err)
}

// writes edits an attribute of Hesabe's row, as people do on AWS's console.
func (s *site) writes(t *testing.T, attribute string, value dynamotypes.AttributeValue) {
	t.Helper()
	_, err := s.aws.Tables.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(deployed.Ledger),
		Key: map[string]dynamotypes.AttributeValue{
			"provider": &dynamotypes.AttributeValueMemberS{Value: "hesabe"}, "account": &dynamotypes.AttributeValueMemberS{Value: "default"},
		},
		UpdateExpression:          aws.String("SET #a = :v"),
		ExpressionAttributeNames:  map[string]string{"#a": attribute},
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":v": value},
	})
	must(t, err)
}
