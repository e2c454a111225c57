// Package awshome keeps the state of all credentials in AWS: documents in Secrets
// Manager, the ledger and the transactions in DynamoDB. It imports the SDK's core
// and these two services only, because every import is paid for at a cold start.
package awshome
