package doctor_test

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tokenrefresh/internal/operator/home"
)

// brokenTables breaks the access to AWS, the clock and the tables.
var brokenTables = []breakage{
	{
		name: "keys that AWS does not take", found: fails("aws", "InvalidClientTokenId", "--profile", "aws sso login"),
		spoil: func(w *world) { w.Front.Refuse["GetCallerIdentity"] = "InvalidClientTokenId" },
	},
	{
		name: "no keys", found: fails("aws", "no AWS credentials", "AWS_PROFILE"),
		spoil: func(w *world) {
			w.stack.Config.Credentials = aws.CredentialsProviderFunc(nobody)
			home.MarkKeys(&w.stack.Config)
		},
	},
	{
		name: "no way to AWS", found: fails("aws", "cannot be reached in region eu-west-1", "AWS_ENDPOINT_URL"),
		spoil: func(w *world) { w.stack.Config.BaseEndpoint = aws.String("http://" + closedPort(w.t)) },
	},
	{
		name: "a clock some seconds slow", found: warns("clock", "behind that of AWS", "set-ntp"),
		spoil: func(w *world) { w.Front.Ahead = 5 * time.Second },
	},
	{
		name: "a clock far too fast", found: fails("clock", "6m", "ahead of that of AWS", "set-ntp"),
		spoil: func(w *world) { w.Front.Ahead = -6 * time.Minute },
	},
	{
		name: "a ledger of another name", found: fails("ledger", "no table other-ledger in eu-west-1", "--table-prefix", "from the backup"),
		spoil: func(w *world) { w.stack.LedgerTable = "other-ledger" },
	},
	{
		name: "another table for the ledger", found: fails("ledger", "doesn't belong to token-refresh", "[transaction_id]"),
		spoil: func(w *world) { w.stack.LedgerTable = moved },
	},
	{
		name: "a table whose key is closed", found: fails("ledger", "cannot be read", "kms enable-key --key-id arn:key"),
		spoil: answers("DescribeTable", replaced(`"TableStatus": "ACTIVE"`, `"SSEDescription": {"KMSMasterKeyArn": "arn:key"}, "TableStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"`)),
	},
	{
		name: "a ledger without recovery", found: warns("ledger", "is off", "update-continuous-backups", "PointInTimeRecoveryEnabled=true"),
		spoil: func(w *world) { w.backups(ledger, false) },
		heal:  func(w *world) { w.backups(ledger, true) },
	},
	{
		name: "an index that is being made", found: fails("transactions", "due", "CREATING", "wait"),
		spoil: answers("DescribeTable", replaced(`"IndexStatus": "ACTIVE"`, `"IndexStatus": "CREATING"`)),
	},
	{
		name: "no index", found: fails("transactions", "has no index due", "update-table", `"NonKeyAttributes":["access_expires_at","failures","ttl"]`),
		spoil: answers("DescribeTable", replaced(`"IndexName": "due"`, `"IndexName": "overdue"`)),
	},
	{
		name: "TTL off", found: warns("transactions", "TTL", "off", "Enabled=true,AttributeName=ttl"),
		spoil: answers("DescribeTimeToLive", func(string) string { return `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}` }),
	},
	{
		name: "TTL of another attribute", found: fails("transactions", "refresh_at", "live transactions", "Enabled=false"),
		spoil: answers("DescribeTimeToLive", replaced(`"ttl"`, `"refresh_at"`)),
	},
}
