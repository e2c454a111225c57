package runtimeapi

import (
	"cmp"
	"encoding/json"
	"time"
)

// The error types that Lambda itself gives to an invocation.
const (
	ExitError    = "Runtime.ExitError"             // the process ended without an answer
	TimedOut     = "Sandbox.Timedout"              // no answer by the deadline; the process was killed
	TooLarge     = "Function.ResponseSizeTooLarge" // the answer was larger than MaxPayload
	unknownError = "Runtime.Unknown"
)

// MaxPayload is the largest answer of a synchronous invocation, in bytes.
const MaxPayload = 6 << 20

// Response is how an invocation ended.
type Response struct {
	RequestID     string
	Payload       []byte         // the function's answer, or its error object
	FunctionError *FunctionError // nil: the function answered
	Duration      time.Duration  // from handing over the event to the answer
}

// FunctionError is an invocation's error as its invoker sees it.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// functionError reads the error object that a runtime posts. header is its
// Lambda-Runtime-Function-Error-Type, which stands in where the object has no type.
func functionError(body []byte, header string) *FunctionError {
	e := &FunctionError{}
	if err := json.Unmarshal(body, e); err != nil {
		e = &FunctionError{Message: string(body)}
	}
	e.Type = cmp.Or(e.Type, header, unknownError)
	return e
}
