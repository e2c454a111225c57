package awshome_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// The operations of Secrets Manager.
const get, describe, put, move = "GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage"

type answers = map[string][]answer

const (
	id      = "11111111-1111-4111-8111-111111111111"
	otherID = "22222222-2222-4222-8222-222222222222"
	thirdID = "33333333-3333-4333-8333-333333333333"
	planted = "planted-token"
	name    = "prefix/hesabe/default/tokens"
)

var (
	key     = store.Key{Provider: "hesabe", Account: "default"}
	version = store.Version{ID: id, Value: secret.New(planted)}

	stored        = ok(`{"VersionId":"` + id + `","SecretString":"` + planted + `","VersionStages":["AWSPENDING"]}`)
	storedCurrent = ok(`{"VersionId":"` + id + `","SecretString":"` + planted + `","VersionStages":["AWSPENDING","AWSCURRENT"]}`)
	storedOther   = ok(`{"VersionId":"` + id + `","SecretString":"another","VersionStages":["AWSPENDING"]}`)
	storedBinary  = ok(`{"VersionId":"` + id + `","SecretBinary":"AAEC","VersionStages":["AWSCURRENT"]}`)
	done          = ok(`{"VersionId":"` + id + `","VersionStages":["AWSPENDING"]}`)
	noResource    = refusal("ResourceNotFoundException")
	refused       = refusal("InvalidParameterException")
	empty         = ok(`{"Name":"x"}`)
	deleted       = ok(`{"Name":"x","DeletedDate":1767225600}`)
	onlyOther     = ok(`{"Name":"x","VersionIdsToStages":{"` + otherID + `":["AWSCURRENT"]}}`)
	rotated       = ok(`{"Name":"x","RotationEnabled":true,"VersionIdsToStages":{"` + id + `":["AWSCURRENT"]}}`)
)

// Answers of DescribeSecret about secrets in several regions.
var (
	replica      = ok(inRegion("eu-west-1", `,"VersionIdsToStages":{"`+id+`":["AWSCURRENT"]}`))
	emptyReplica = ok(inRegion("eu-west-1", ""))
	primary      = ok(inRegion("us-east-1", `,"VersionIdsToStages":{"`+id+`":["AWSCURRENT"]},"ReplicationStatus":[{"Region":"eu-west-1"}]`))
)

// inRegion describes a secret there whose primary is in us-east-1.
func inRegion(region, more string) string {
	return `{"Name":"x","ARN":"arn:aws:secretsmanager:` + region + `:123456789012:secret:x-1aBcDe","PrimaryRegion":"us-east-1"` + more + `}`
}

// labels describes a secret; id is staged.
func labels(current string) answer {
	return ok(`{"Name":"x","VersionIdsToStages":{"` + current + `":["AWSCURRENT"],"` + id + `":["AWSPENDING"]}}`)
}

// The calls of the port, about one version.
var (
	current = func(ctx context.Context, s *awshome.Secrets) error {
		_, err := s.Current(ctx, key, store.TokensDoc)
		return err
	}
	currentID = func(ctx context.Context, s *awshome.Secrets) error {
		_, err := s.CurrentID(ctx, key, store.TokensDoc)
		return err
	}
	byID = func(ctx context.Context, s *awshome.Secrets) error {
		_, err := s.ByID(ctx, key, store.TokensDoc, id)
		return err
	}
	stage = func(ctx context.Context, s *awshome.Secrets) error {
		_, err := s.Stage(ctx, key, store.TokensDoc, version)
		return err
	}
	promote = func(ctx context.Context, s *awshome.Secrets) error {
		return s.Promote(ctx, key, store.TokensDoc, otherID, id)
	}
	firstPromote = func(ctx context.Context, s *awshome.Secrets) error {
		return s.Promote(ctx, key, store.TokensDoc, "", id)
	}
)

func TestSecretsErrors(t *testing.T) {
	t.Parallel()
	passing := []error(nil)
	for title, tt := range map[string]struct {
		call    func(context.Context, *awshome.Secrets) error
		answers answers
		is      []error
		says    string
	}{
		"current, denied":           {current, answers{get: {refusal("AccessDeniedException")}}, []error{store.ErrForbidden}, "secretsmanager:GetSecretValue"},
		"current, describe denied":  {current, answers{get: {noResource}, describe: {refusal("AccessDeniedException")}}, []error{store.ErrForbidden}, "secretsmanager:DescribeSecret"},
		"current, wrong key":        {current, answers{get: {refusal("UnrecognizedClientException")}}, []error{store.ErrForbidden}, "said by AWS"},
		"current, key disabled":     {current, answers{get: {refusal("DecryptionFailure")}}, []error{store.ErrForbidden}, "KMS key must be enabled"},
		"current, to be deleted":    {current, answers{get: {refusal("InvalidRequestException")}, describe: {deleted}}, []error{store.ErrNoSecret}, "restore-secret"},
		"current, missing":          {current, answers{get: {noResource}, describe: {noResource}}, []error{store.ErrNoSecret}, "create-secret"},
		"current, no version":       {current, answers{get: {noResource}, describe: {empty}}, []error{store.ErrNoValue}, "no value yet"},
		"current, labelled by now":  {current, answers{get: {noResource}, describe: {labels(otherID)}}, passing, "ResourceNotFoundException"},
		"current, odd request":      {current, answers{get: {refusal("InvalidRequestException")}, describe: {empty}}, passing, "InvalidRequestException"},
		"current, binary":           {current, answers{get: {storedBinary}}, []error{awshome.ErrBinary, store.ErrForbidden}, "SecretString"},
		"current, throttled":        {current, answers{get: {refusal("ThrottlingException")}}, passing, "ThrottlingException (request request-1)"},
		"current, unreachable":      {current, answers{get: {lost()}}, []error{errReset}, "read the secret"},
		"by id, to be deleted":      {byID, answers{get: {noResource}, describe: {deleted}}, []error{store.ErrNoSecret}, "restore-secret"},
		"by id, no version":         {byID, answers{get: {noResource}, describe: {labels(otherID)}}, []error{store.ErrNoVersion}, id},
		"current id, denied":        {currentID, answers{describe: {refusal("AccessDeniedException")}}, []error{store.ErrForbidden}, "secretsmanager:DescribeSecret"},
		"current id, to be deleted": {currentID, answers{describe: {deleted}}, []error{store.ErrNoSecret}, "restore-secret"},
		"current id, rotation on":   {currentID, answers{describe: {rotated}}, []error{awshome.ErrRotation, store.ErrForbidden}, "cancel-rotate-secret"},
		"current id, replica":       {currentID, answers{describe: {replica}}, []error{awshome.ErrReplica, store.ErrForbidden}, "its primary is in us-east-1"},
		"current, empty replica":    {current, answers{get: {noResource}, describe: {emptyReplica}}, []error{awshome.ErrReplica, store.ErrForbidden}, "its primary is in us-east-1"},
		"stage, replica":            {stage, answers{put: {refusal("InvalidRequestException")}, describe: {replica}}, []error{awshome.ErrReplica, store.ErrForbidden}, "SecretPrefix"},
		"stage, denied":             {stage, answers{put: {refusal("AccessDeniedException")}}, []error{store.ErrForbidden}, "secretsmanager:PutSecretValue"},
		"stage, key disabled":       {stage, answers{put: {refusal("EncryptionFailure")}}, []error{store.ErrForbidden}, "kms:GenerateDataKey"},
		"stage, quota":              {stage, answers{put: {refusal("LimitExceededException")}}, []error{store.ErrQuota}, "refresh less often"},
		"stage, missing":            {stage, answers{put: {noResource}, describe: {noResource}}, []error{store.ErrNoSecret}, "create-secret"},
		"stage, to be deleted":      {stage, answers{put: {refusal("InvalidRequestException")}, describe: {deleted}}, []error{store.ErrNoSecret}, "restore-secret"},
		"stage, throttled":          {stage, answers{put: {refusal("ThrottlingException")}}, passing, "ThrottlingException"},
		"stage, taken":              {stage, answers{put: {refusal("ResourceExistsException")}, get: {storedOther}}, []error{store.ErrVersionTaken}, "another value"},
		// AWS may quote the request.
		"stage, value quoted":       {stage, answers{put: {refusalSaying("ValidationException", "Value '"+planted+"' is too long")}}, passing, "ValidationException"},
		"promote, denied":           {promote, answers{move: {refusal("AccessDeniedException")}}, []error{store.ErrForbidden}, "secretsmanager:UpdateSecretVersionStage"},
		"promote, to be deleted":    {promote, answers{move: {refusal("InvalidRequestException")}, describe: {deleted}}, []error{store.ErrNoSecret}, "restore-secret"},
		"promote, unknown":          {promote, answers{move: {refused}, describe: {onlyOther}, get: {noResource}}, []error{store.ErrNoVersion}, id},
		"promote, throttled":        {promote, answers{move: {refusal("ThrottlingException")}, describe: {labels(otherID)}}, passing, "ThrottlingException"},
		"promote, stale labels":     {promote, answers{move: {refused}, describe: {labels(otherID)}}, passing, "InvalidParameterException"},
		"first promote, no version": {firstPromote, answers{describe: {empty}, get: {noResource}}, []error{store.ErrNoVersion}, id},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			aws := &script{t: t, answers: tt.answers}
			err := tt.call(t.Context(), aws.clients().Secrets("prefix"))
			wantSays(t, title, err, name, tt.says)
			var got []error
			for _, verdict := range []error{
				awshome.ErrBinary, awshome.ErrRotation, awshome.ErrReplica, store.ErrNoSecret, store.ErrNoValue, store.ErrNoVersion,
				store.ErrVersionTaken, store.ErrQuota, store.ErrForbidden, errReset,
			} {
				if errors.Is(err, verdict) {
					got = append(got, verdict)
				}
			}
			if diff := cmp.Diff(tt.is, got, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" { //nolint:errorlint // identity is meant
				t.Errorf("verdicts of %q (-want +got):\n%s", err, diff)
			}
			if _, moved := errors.AsType[*store.MovedError](err); moved {
				t.Errorf("%v: a *store.MovedError", err)
			}
		})
	}
}

func TestStageAgain(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		answers answers
		times   int
		current bool
		calls   []string
	}{
		"once":               {answers{put: {done}}, 1, false, []string{put}},
		"reply lost, stored": {answers{put: {lost()}, get: {storedCurrent}}, 1, true, []string{put, get}},
		"reply lost, not stored": {
			answers{put: {lost(), done}, get: {noResource}, describe: {labels(otherID)}}, 1, false, []string{put, get, describe, put},
		},
		"server in trouble, stored": {answers{put: {{status: 500, body: "{}"}}, get: {stored}}, 1, false, []string{put, get}},
		"taken by the same value":   {answers{put: {refusal("ResourceExistsException")}, get: {stored}}, 1, false, []string{put, get}},
		"twice":                     {answers{put: {done}, get: {storedCurrent}}, 2, true, []string{put, get}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			aws := &script{t: t, answers: tt.answers}
			secrets := aws.clients().Secrets("prefix")
			var current bool
			var err error
			for range tt.times {
				if current, err = secrets.Stage(t.Context(), key, store.TokensDoc, version); err != nil {
					t.Fatal(err)
				}
			}
			assert.Check(t, current == tt.current, "current = %t, want %t", current, tt.current)
			assert.Check(t, is.DeepEqual(aws.calls, tt.calls), "calls")
		})
	}
}

func TestPromoteConflicts(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		move, describe answer
		moved          string // "": success
	}{
		"promoted by the attempt whose reply was lost": {refused, ok(`{"VersionIdsToStages":{"` + id + `":["AWSCURRENT"]}}`), ""},
		"reply lost, promoted":                         {lost(), ok(`{"VersionIdsToStages":{"` + id + `":["AWSCURRENT"]}}`), ""},
		"another is current":                           {refused, labels(thirdID), thirdID},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			aws := &script{t: t, answers: answers{move: {tt.move}, describe: {tt.describe}}}
			err := promote(t.Context(), aws.clients().Secrets("prefix"))
			moved, _ := errors.AsType[*store.MovedError](err)
			switch {
			case tt.moved == "" && err != nil:
				t.Error(err)
			case tt.moved != "" && (moved == nil || moved.Current != tt.moved):
				t.Errorf("error %v, want that %s is current", err, tt.moved)
			}
		})
	}
}

// A label that may be stale must not make an attempt give way unless AWS has refused the promotion:
// it would drop the only copy of a chain.
func TestPromoteInTroubleNeverYields(t *testing.T) {
	t.Parallel()
	for title, trouble := range map[string]answer{
		"reply lost": lost(), "throttled": refusal("ThrottlingException"), "server in trouble": {status: 503, body: "{}"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			aws := &script{t: t, answers: answers{move: {trouble}, describe: {labels(thirdID)}}}
			err := promote(t.Context(), aws.clients().Secrets("prefix"))
			if _, moved := errors.AsType[*store.MovedError](err); moved || err == nil {
				t.Errorf("error %v, want passing trouble", err)
			}
		})
	}
}

// The primary of replicas is written. A replica of credentials, which people write, is read.
func TestReplicasThatDoNoHarm(t *testing.T) {
	t.Parallel()
	for doc, described := range map[store.Document]answer{store.AccessDoc: primary, store.TokensDoc: primary, store.Credentials: replica} {
		aws := &script{t: t, answers: answers{describe: {described}}}
		if got, err := aws.clients().Secrets("prefix").CurrentID(t.Context(), key, doc); err != nil || got != id {
			t.Errorf("%s: current id = %q, %v", doc, got, err)
		}
	}
}

func TestRotationOfCredentialsIsTheirOwners(t *testing.T) {
	t.Parallel()
	aws := &script{t: t, answers: answers{describe: {rotated}}}
	got, err := aws.clients().Secrets("prefix").CurrentID(t.Context(), key, store.Credentials)
	assert.Check(t, err == nil && got == id, "current id = %q, %v", got, err)
}
