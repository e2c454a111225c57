// Package handler turns an invocation's payload into a run of an engine, and the run's end into the
// result, log lines and function error of the public contract. It knows neither AWS nor the
// providers.
package handler
