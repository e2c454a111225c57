// Package moto gives tests an AWS that has Secrets Manager, DynamoDB and SQS: one moto a test
// process (or some: Spread), and before it, for each test, a front that does what AWS does and
// moto doesn't (one request at a time, so that conditional writes are atomic; a version of a
// secret is never overwritten), counts calls and plays faults. With DynamoDBLocalDir the tables
// are Amazon's own DynamoDB Local instead.
package moto
