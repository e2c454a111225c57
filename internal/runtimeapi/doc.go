// Package runtimeapi runs the binary of a Lambda function outside Lambda, as
// Lambda does: it serves the Runtime API on loopback, starts the binary as a
// process with the function's environment and nothing else, hands it one
// invocation at a time, kills it at the deadline and starts a new process for
// the invocation after a crash.
//
// What differs from Lambda: the process has the whole machine's CPU and memory,
// is never frozen between invocations, and extensions and response streaming
// are not served.
//
// The protocol is https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
package runtimeapi
