package doctor_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/store"
)

// brokenState breaks secrets, addresses and credentials.
var brokenState = []breakage{
	{
		name: "no secret", found: fails("hesabe secrets", tokens+" does not exist", "create-secret --name "+tokens),
		spoil: func(w *world) {
			w.Front.Refuse["DescribeSecret "+tokens] = "ResourceNotFoundException"
		},
	},
	{
		name: "no secrets", found: fails("hesabe secrets", "hesabe/shop-2 has no secrets", "--secret-prefix", "tokenctl seed credentials --provider hesabe --account shop-2"),
		spoil: func(w *world) { w.stack.Accounts = []string{"shop-2"} },
	},
	{
		name: "neither secrets nor a ledger", found: fails("hesabe secrets", "hesabe/shop-2 has no secrets", "deploy a stack if there never was one"),
		spoil: func(w *world) {
			w.stack.Accounts = []string{"shop-2"}
			w.Front.Refuse["Query"] = "ResourceNotFoundException"
		},
		never: "tokenctl seed",
	},
	{
		name: "a deleted secret", found: fails("hesabe secrets", "scheduled for deletion", "restore-secret --secret-id "+tokens),
		spoil: func(w *world) {
			_, err := w.Secrets.DeleteSecret(w.t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String(tokens)})
			w.must(err)
		},
		heal: func(w *world) {
			_, err := w.Secrets.RestoreSecret(w.t.Context(), &secretsmanager.RestoreSecretInput{SecretId: aws.String(tokens)})
			w.must(err)
		},
	},
	{
		name: "AWS's own rotation", found: fails("hesabe secrets", "rotation is on", "cancel-rotate-secret --secret-id "+tokens),
		// moto makes a version when rotation is switched on; AWS does not if asked not to.
		spoil: answers("DescribeSecret", replaced(`"Name":`, `"RotationEnabled": true, "Name":`)),
	},
	{
		name: "too many versions", found: warns("hesabe secrets", "134 versions", "144", "docs/operations.md#versions"),
		spoil: answers("ListSecretVersionIds", func(string) string {
			version := fmt.Sprintf(`{"VersionId":"v","CreatedDate":%d}`, time.Now().Unix())
			return `{"Versions":[` + strings.Repeat(version+",", 133) + version + `]}`
		}),
	},
	{
		name: "a disabled key", found: fails("hesabe secrets", "is Disabled", "kms enable-key --key-id"),
		spoil: func(w *world) { // moto reads on with a disabled key
			key := w.disabledKey()
			w.Front.Rewrite["DescribeSecret"] = replaced(`"Name":`, `"KmsKeyId": "`+key+`", "Name":`)
		},
	},
	{
		name: "a key that is gone", found: fails("hesabe secrets", "is gone", "KmsKeyArn"),
		spoil: answers("DescribeSecret",
			replaced(`"Name":`, `"KmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000", "Name":`)),
	},
	{
		name: "a key that one may not look at", found: found{"hesabe secrets", doctor.Skipped, []string{"you may not look", "allow kms:DescribeKey on arn:aws:kms:"}},
		spoil: func(w *world) {
			key := w.disabledKey()
			w.Front.Refuse["DescribeKey"] = "AccessDeniedException"
			w.Front.Rewrite["DescribeSecret"] = replaced(`"Name":`, `"KmsKeyId": "`+key+`", "Name":`)
		},
	},
	{
		name: "a provider that is down", found: warns("tconnect address", "refuses connections", "from this machine", "curl"),
		spoil: func(w *world) { w.address("http://" + closedPort(w.t)) },
		heal:  (*world).reseed,
	},
	{
		name: "a name that nobody knows", found: warns("tconnect address", "nobody.invalid is not found", "getent hosts nobody.invalid"),
		spoil: func(w *world) { w.address("https://nobody.invalid") },
		heal:  (*world).reseed,
	},
	{
		name: "a certificate that nobody trusts", found: warns("tconnect address", "certificate", "proxy", "openssl s_client"),
		spoil: func(w *world) {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			w.t.Cleanup(server.Close)
			w.address(server.URL)
		},
		heal: (*world).reseed,
	},
	{
		name: "a provider's clock", found: warns("tconnect address", "behind that of 127.0.0.1"),
		spoil: func(w *world) {
			server := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, _ *http.Request) {
				a.Header().Set("Date", time.Now().Add(10*time.Second).UTC().Format(http.TimeFormat))
			}))
			w.t.Cleanup(server.Close)
			w.address(server.URL)
		},
		heal: (*world).reseed,
	},
	{
		name: "credentials that nobody filled in", found: fails("tconnect credentials", "tconnect/default", "seed credentials --provider tconnect"),
		spoil: func(w *world) { w.credentials(`{"placeholder":"x"}`) },
		heal:  (*world).reseed,
	},
	{
		name: "credentials that cannot be read", found: fails("tconnect credentials", tconnect, "not a JSON object", "seed credentials"),
		spoil: func(w *world) { w.credentials(`{"username":`) },
		heal:  (*world).reseed,
	},
	{
		name: "a dead token", found: fails("hesabe credentials", "refused", "no login", "seed"),
		spoil: func(w *world) { w.state(store.Dead) },
		heal:  func(w *world) { w.state("") },
	},
	{
		name: "an uncertain token", found: fails("hesabe credentials", "may be spent", "resolve"),
		spoil: func(w *world) { w.state(store.Uncertain) },
		heal:  func(w *world) { w.state("") },
	},
	{
		name: "a misconfigured credential", found: fails("hesabe credentials", "could not go on", "seed credentials"),
		spoil: func(w *world) { w.state(store.Misconfigured) },
		heal:  func(w *world) { w.state("") },
	},
	{
		name: "a pause that was forgotten", found: found{"hesabe credentials", doctor.Fail, []string{"paused", "tokenctl resume --provider hesabe"}},
		spoil: func(w *world) {
			w.must(w.home.Ledger.SetPaused(w.t.Context(), w.key("hesabe"), true))
			w.stack.Now = func() time.Time { return time.Now().Add(time.Hour) }
		},
		heal: func(w *world) { w.must(w.home.Ledger.SetPaused(w.t.Context(), w.key("hesabe"), false)) },
	},
	{
		name: "silence", found: fails("hesabe credentials", "no run has begun one for", "schedule"),
		spoil: func(w *world) { w.stack.Now = func() time.Time { return time.Now().Add(time.Hour) } },
	},
}

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
