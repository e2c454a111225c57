// Package awsreader has the sources of access tokens in AWS: the `access` secret of an account in
// Secrets Manager, and the row of a Berbix transaction in DynamoDB. The managed policies of the
// stack's outputs HesabeAccessReader, TConnectAccessReader and BerbixAccessReader allow all that
// they need.
//
// The service makes the clients, with its region, retries and endpoints.
package awsreader
