package moto_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/moto"
)

func client(s *moto.Server) *secretsmanager.Client {
	return secretsmanager.NewFromConfig(s.Config(), func(o *secretsmanager.Options) { o.Retryer = aws.NopRetryer{} })
}

func describe(t *testing.T, s *moto.Server, secret string) (map[string][]string, error) {
	t.Helper()
	out, err := client(s).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &secret})
	if err != nil {
		return nil, err
	}
	return out.VersionIdsToStages, nil
}

func TestStateOfTheTemplate(t *testing.T) {
	t.Parallel()
	s := moto.Start(t)
	prefix := moto.NewName("template")
	s.CreateSecrets(t, prefix, "hesabe", "default")
	for name, versions := range map[string]int{"credentials": 1, "tokens": 0, "access": 0} {
		labels, err := describe(t, s, prefix+"/hesabe/default/"+name)
		assert.Check(t, err == nil && len(labels) == versions, "%s has the versions %v, %v", name, labels, err)
	}
	dynamo := dynamodb.NewFromConfig(s.Config())
	for _, table := range []string{s.CreateLedger(t), s.CreateTransactions(t)} {
		out, err := dynamo.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		assert.Check(t, err == nil && out.Table.BillingModeSummary.BillingMode == "PAY_PER_REQUEST",
			"%s: %+v, %v", table, out, err)
	}
}

func TestCallsAndFaultsAreOfOneTest(t *testing.T) {
	t.Parallel()
	s, other := moto.Start(t), moto.Start(t)
	prefix := moto.NewName("faults")
	s.CreateSecrets(t, prefix, "hesabe", "default")
	secret := prefix + "/hesabe/default/tokens"
	s.Play("PutSecretValue", moto.LoseReply, moto.Throttle, moto.Refuse, moto.None)
	var stored []bool
	for range 4 {
		_, err := client(s).PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
			SecretId: &secret, SecretString: aws.String("value"), ClientRequestToken: aws.String(uuid.NewString()),
		})
		stored = append(stored, err == nil)
	}
	assert.Check(t, is.DeepEqual(stored, []bool{false, false, false, true}), "successes")
	labels, err := describe(t, other, secret)
	assert.Check(t, err == nil && len(labels) == 2,
		"labels %v, %v: want the version whose reply was lost and the last one", labels, err)
	diff := cmp.Diff([]string{"PutSecretValue", "PutSecretValue", "PutSecretValue", "PutSecretValue"}, s.Calls())
	assert.Check(t, diff == "", "calls (-want +got):\n%s", diff)
	assert.Check(t, is.DeepEqual(other.Calls(), []string{"DescribeSecret"}), "the other's calls")
	calls := s.Calls()
	assert.Check(t, len(calls) == 0, "Calls returned %v again", calls)
}

// As AWS documents PutSecretValue, and moto does not do for a pending version.
func TestVersionsAreNeverOverwritten(t *testing.T) {
	t.Parallel()
	s := moto.Start(t)
	prefix := moto.NewName("versions")
	s.CreateSecrets(t, prefix, "hesabe", "default")
	secret, id := prefix+"/hesabe/default/tokens", uuid.NewString()
	put := func(value string) (*secretsmanager.PutSecretValueOutput, error) {
		return client(s).PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
			SecretId: &secret, SecretString: &value, ClientRequestToken: &id, VersionStages: []string{"AWSPENDING"},
		})
	}
	for range 2 {
		out, err := put("one")
		assert.Assert(t, err == nil && aws.ToString(out.VersionId) == id && len(out.VersionStages) == 2,
			"put: %+v, %v", out, err)
	}
	_, err := put("two")
	_, exists := errors.AsType[*types.ResourceExistsException](err)
	assert.Check(t, exists, "put of another value: error %v", err)
	edit, err := s.Edit(t.Context(), secret, "edited")
	assert.NilError(t, err)
	labels, err := describe(t, s, secret)
	if err != nil || !strings.Contains(fmt.Sprint(labels[edit]), "AWSCURRENT") || strings.Contains(fmt.Sprint(labels[id]), "AWSCURRENT") {
		t.Errorf("labels after the edit %s: %v, %v", edit, labels, err)
	}
}

// TestMain lets TestServerEndsWithItsTests start a test process that dies.
func TestMain(m *testing.M) {
	if os.Getenv("MOTO_TEST_DIES") == "" {
		os.Exit(m.Run())
	}
	address, err := moto.Process()
	fmt.Println(address, err)
	_, _ = io.Copy(io.Discard, os.Stdin)
	panic("as a test may")
}

func TestServerEndsWithItsTests(t *testing.T) {
	t.Parallel()
	moto.Start(t) // skips where there is none
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "MOTO_TEST_DIES=1")
	stdin, err := cmd.StdinPipe()
	assert.NilError(t, err)
	stdout, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	assert.NilError(t, err)
	address, err := url.Parse(strings.Fields(line)[0])
	assert.NilError(t, err)
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address.Host)
	assert.NilError(t, err)
	defer func() { _ = conn.Close() }()
	_ = stdin.Close()
	_ = cmd.Wait()
	// The server never closes a connection that waits for a request: this ends with it.
	n, err := conn.Read(make([]byte, 1))
	assert.Check(t, n == 0 && err != nil, "read %d bytes, %v", n, err)
}
