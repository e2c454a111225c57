// Package awshome keeps the state of all credentials in AWS: documents in Secrets Manager, the
// ledger and the transactions in DynamoDB. It imports only the SDK's core and these two services,
// because every import lengthens a cold start.
package awshome
