package doctor

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"tokenrefresh/pkg/store"
)

const (
	day = 24 * time.Hour
	// manyVersions is the threshold of the alarm on versions. In the long run Secrets Manager takes
	// one in ten minutes, 144 a day.
	manyVersions = 134
	// versionsPage is how many versions one call lists.
	versionsPage = 100
)

// secretsInOrder checks the secrets themselves. The check of the credentials judges their texts.
func (p *provider) secretsInOrder(ctx context.Context) []Finding {
	documents := p.entry.Documents()
	var found []Finding
	var keys []string
	looked := 0
	for _, account := range p.wanted(ctx) {
		var missing []string
		for _, doc := range documents {
			name := p.SecretPrefix + "/" + p.entry.Name + "/" + account + "/" + string(doc)
			described, err := p.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name})
			switch {
			case isAbsent(err):
				missing = append(missing, name)
			case err != nil:
				found = append(found, p.trouble(err, "secretsmanager:DescribeSecret", p.secretARN(name))...)
			default:
				found = append(found, p.secret(ctx, described, doc)...)
				keys = append(keys, aws.ToString(described.KmsKeyId))
				looked++
			}
		}
		found = append(found, p.missing(ctx, account, missing, len(documents))...)
	}
	for _, key := range unique(keys) {
		if key != "" { // empty: AWS's own, which nobody can disable
			found = append(found, p.key(ctx, key)...)
		}
	}
	return orOK(found, "%d secrets exist, with room for versions", looked)
}

// missing reports an account's missing secrets, of all.
func (p *provider) missing(ctx context.Context, account string, names []string, of int) []Finding {
	if len(names) == of {
		none := fail("%s/%s has no secrets, such as %s", p.entry.Name, account, names[0])
		if _, err := p.Home.Ledger.Rows(ctx, p.entry.Name); err != nil { // if they were created now, they would take the stack's names
			return []Finding{none.mend("check the ledger first: name the stack's with --secret-prefix, --table-prefix and " +
				"--region, or deploy a stack if there never was one")}
		}
		return []Finding{none.
			mend("name the right ones with --secret-prefix and --region, or make them with the credentials in them",
				p.seedLine(account))}
	}
	var found []Finding
	for _, name := range names {
		gone := fail("the secret %s does not exist", name)
		if strings.HasSuffix(name, "/"+string(store.Credentials)) {
			found = append(found, gone.mend("make it with the credentials in it", p.seedLine(account)))
			continue
		}
		found = append(found, gone.mend("make it, empty", p.cli("secretsmanager create-secret --name %s", name)))
	}
	return found
}

// secret checks a secret that exists.
func (p *provider) secret(ctx context.Context, described *secretsmanager.DescribeSecretOutput, doc store.Document) []Finding {
	name := aws.ToString(described.Name)
	if described.DeletedDate != nil {
		return []Finding{fail("the secret %s is scheduled for deletion", name).
			mend("bring it back", p.cli("secretsmanager restore-secret --secret-id %s", name))}
	}
	var found []Finding
	if aws.ToBool(described.RotationEnabled) {
		found = append(found, fail("AWS's own rotation is on for %s: two writers would take versions from each other", name).
			mend("switch it off", p.cli("secretsmanager cancel-rotate-secret --secret-id %s", name)))
	}
	if doc != store.Credentials {
		found = append(found, p.versions(ctx, name)...)
	}
	return found
}

func (p *provider) secretARN(name string) string {
	return p.arn("secretsmanager", "secret:"+name+"-??????")
}

// versions counts the versions of the last day.
func (p *provider) versions(ctx context.Context, name string) []Finding {
	pages := secretsmanager.NewListSecretVersionIdsPaginator(p.secrets, &secretsmanager.ListSecretVersionIdsInput{
		SecretId: &name, IncludeDeprecated: aws.Bool(true), MaxResults: aws.Int32(versionsPage),
	})
	recent := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return p.trouble(err, "secretsmanager:ListSecretVersionIds", p.secretARN(name))
		}
		for _, v := range page.Versions {
			if v.CreatedDate != nil && p.Now().Sub(*v.CreatedDate) < day {
				recent++
			}
		}
	}
	if recent < manyVersions {
		return nil
	}
	return []Finding{warn("%s has had %d versions in 24 hours; Secrets Manager may refuse more than 144", name, recent).
		mend("see to it that nothing forces refreshes; until there is room, the ledger keeps the chain: docs/operations.md#versions")}
}

// key checks a KMS key of the secrets.
func (p *provider) key(ctx context.Context, id string) []Finding {
	got, err := p.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return p.trouble(err, "kms:DescribeKey", id,
			fail("the KMS key %s of the secrets of %s is gone: what it has encrypted is lost", id, p.entry.Name).mend(
				"give the secrets another key (KmsKeyArn), then seed the credentials again",
				p.seedLine("default")))
	}
	switch key := got.KeyMetadata; key.KeyState {
	case kmstypes.KeyStateEnabled:
		return nil
	case kmstypes.KeyStatePendingDeletion:
		return []Finding{fail("the KMS key %s of the secrets of %s is to be deleted", id, p.entry.Name).mend("keep it, and enable it",
			p.cli("kms cancel-key-deletion --key-id %s", id), p.cli("kms enable-key --key-id %s", id))}
	default:
		return []Finding{fail("the KMS key %s of the secrets of %s is %s: nobody can read them", id, p.entry.Name, key.KeyState).
			mend("enable it", p.cli("kms enable-key --key-id %s", id))}
	}
}
