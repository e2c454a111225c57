// Package handler turns an invocation's payload into a run of an engine, and its
// end into the result, the log lines and the function error of the public
// contract. It knows neither AWS nor the providers.
package handler
