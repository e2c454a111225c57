package doctor

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The tables and the index, as the homes use them.
var (
	ledgerKeys       = []string{"provider", "account"}
	transactionsKeys = []string{"transaction_id"}
	dueKeys          = []string{"due_shard", "refresh_at"}
)

const (
	dueIndex     = "due"
	ttlAttribute = "ttl"
)

// makeIndex creates the index again, with its attributes of a row.
const makeIndex = `--attribute-definitions AttributeName=transaction_id,AttributeType=N ` +
	`AttributeName=due_shard,AttributeType=S AttributeName=refresh_at,AttributeType=S ` +
	`--global-secondary-index-updates '[{"Create":{"IndexName":"due","KeySchema":[` +
	`{"AttributeName":"due_shard","KeyType":"HASH"},{"AttributeName":"refresh_at","KeyType":"RANGE"}],"Projection":{` +
	`"ProjectionType":"INCLUDE","NonKeyAttributes":["access_expires_at","failures","ttl"]}}}]'`

func (s *stack) ledgerTable(ctx context.Context) []Finding {
	table, found := s.table(ctx, s.LedgerTable, ledgerKeys, "LEDGER_TABLE")
	if table != nil {
		found = append(found, s.backups(ctx, s.LedgerTable)...)
	}
	return orOK(found, "%s is active, with point-in-time recovery", s.LedgerTable)
}

func (s *stack) transactionsTable(ctx context.Context, name string) []Finding {
	table, found := s.table(ctx, name, transactionsKeys, "TRANSACTIONS_TABLE")
	if table != nil {
		found = append(found, s.index(table)...)
		found = append(found, s.timeToLive(ctx, name)...)
		found = append(found, s.backups(ctx, name)...)
	}
	return orOK(found, "%s is active, with its index, TTL and point-in-time recovery", name)
}

// table returns a table of ours; nil if there is nothing more to check.
func (s *stack) table(ctx context.Context, name string, keys []string, variable string) (*types.TableDescription, []Finding) {
	described, err := s.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		gone := fail("there is no table %s in %s", name, s.Config.Region).
			mend("check first that this is the stack's region and AWS account, and name the right table with --table-prefix, $" +
				variable + ", --region or --profile; restore a deleted table from the backup that DynamoDB made then, and don't create it " +
				"anew: docs/operations.md#after-a-restore-or-a-loss")
		return nil, s.trouble(err, "dynamodb:DescribeTable", s.tableARN(name), gone)
	}
	table := described.Table
	if got := keyNames(table.KeySchema); !slices.Equal(got, keys) {
		return nil, []Finding{fail("the table %s doesn't belong to token-refresh: its key is %v, not %v", name, got, keys).
			mend("name the right one with --table-prefix or $" + variable)}
	}
	switch table.TableStatus {
	case types.TableStatusActive:
		return table, nil
	case types.TableStatusUpdating:
		return table, []Finding{warn("the table %s is being changed; it works meanwhile", name)}
	case types.TableStatusInaccessibleEncryptionCredentials:
		return nil, []Finding{s.lockedOut(table)}
	case types.TableStatusDeleting, types.TableStatusArchiving, types.TableStatusArchived:
		return nil, []Finding{fail("the table %s is %s: nothing is sent without it", name, table.TableStatus).
			mend("restore the backup that DynamoDB makes then, which is exact, and none from before: " +
				"docs/operations.md#after-a-restore-or-a-loss")}
	default:
		return nil, []Finding{fail("the table %s is %s and not ACTIVE: nothing is sent before it is", name, table.TableStatus).
			mend("wait, and look again")}
	}
}

func (s *stack) tableARN(name string) string { return s.arn("dynamodb", "table/"+name) }

// lockedOut is the finding about a table whose key DynamoDB may not use.
func (s *stack) lockedOut(table *types.TableDescription) Finding {
	f := fail("the table %s cannot be read: its KMS key is disabled, gone or closed to DynamoDB", aws.ToString(table.TableName))
	if table.SSEDescription == nil {
		return f.mend("enable its key")
	}
	key := aws.ToString(table.SSEDescription.KMSMasterKeyArn)
	return f.mend("enable it within seven days, or DynamoDB archives the table; if it is to be deleted, cancel that first",
		s.cli("kms cancel-key-deletion --key-id %s", key), s.cli("kms enable-key --key-id %s", key))
}

func (s *stack) index(table *types.TableDescription) []Finding {
	name := aws.ToString(table.TableName)
	for _, index := range table.GlobalSecondaryIndexes {
		if aws.ToString(index.IndexName) != dueIndex {
			continue
		}
		if got := keyNames(index.KeySchema); !slices.Equal(got, dueKeys) {
			return []Finding{fail("the index %s of %s has the key %v, not %v", dueIndex, name, got, dueKeys).mend(
				"delete it, and create it again once it is gone",
				s.cli(`dynamodb update-table --table-name %s --global-secondary-index-updates '[{"Delete":{"IndexName":"%s"}}]'`,
					name, dueIndex),
				s.cli("dynamodb update-table --table-name %s %s", name, makeIndex))}
		}
		if index.IndexStatus != types.IndexStatusActive {
			return []Finding{fail("the index %s of %s is %s: no transaction is found due before it is ACTIVE",
				dueIndex, name, index.IndexStatus).mend("wait, and look again")}
		}
		return nil
	}
	return []Finding{fail("the table %s has no index %s: no transaction is found due", name, dueIndex).mend(
		"make it", s.cli("dynamodb update-table --table-name %s %s", name, makeIndex))}
}

func (s *stack) timeToLive(ctx context.Context, name string) []Finding {
	described, err := s.tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return s.trouble(err, "dynamodb:DescribeTimeToLive", s.tableARN(name))
	}
	ttl := described.TimeToLiveDescription
	switch {
	case ttl == nil, ttl.TimeToLiveStatus == types.TimeToLiveStatusDisabled:
		return []Finding{warn("TTL of %s is off: ended transactions stay, and cost", name).mend("switch it on",
			s.cli("dynamodb update-time-to-live --table-name %s --time-to-live-specification Enabled=true,AttributeName=%s",
				name, ttlAttribute))}
	case aws.ToString(ttl.AttributeName) != ttlAttribute:
		return []Finding{fail("TTL of %s looks at the attribute %s, not %s: it may delete live transactions",
			name, aws.ToString(ttl.AttributeName), ttlAttribute).mend("switch it off, and an hour later on with the right attribute",
			s.cli("dynamodb update-time-to-live --table-name %s --time-to-live-specification Enabled=false,AttributeName=%s",
				name, aws.ToString(ttl.AttributeName)))}
	}
	return nil
}

func (s *stack) backups(ctx context.Context, name string) []Finding {
	described, err := s.tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
	if err != nil {
		return s.trouble(err, "dynamodb:DescribeContinuousBackups", s.tableARN(name))
	}
	if b := described.ContinuousBackupsDescription; b != nil && b.PointInTimeRecoveryDescription != nil &&
		b.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
		return nil
	}
	return []Finding{warn("point-in-time recovery of %s is off: deleted rows stay lost", name).mend("switch it on",
		s.cli("dynamodb update-continuous-backups --table-name %s "+
			"--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true", name))}
}

// keyNames are the attributes of a key, the partition's first.
func keyNames(schema []types.KeySchemaElement) []string {
	names := make([]string, 0, len(schema))
	for _, role := range []types.KeyType{types.KeyTypeHash, types.KeyTypeRange} {
		for _, element := range schema {
			if element.KeyType == role {
				names = append(names, aws.ToString(element.AttributeName))
			}
		}
	}
	return names
}
