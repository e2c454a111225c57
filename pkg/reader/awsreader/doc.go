// Package awsreader has the sources of access tokens in AWS: the `access` secret of an
// account in Secrets Manager, and the row of a Berbix transaction in DynamoDB. They ask for
// no more than the managed policies of the stack's outputs HesabeAccessReader,
// TConnectAccessReader and BerbixAccessReader allow.
//
// The clients are the service's own, with its region, retries and endpoints.
package awsreader
