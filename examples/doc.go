// Package examples tests what is there for services to copy. python/ and node/ have a reader of
// one file each; go/ is a service in Go with the readers of this module; systemd/ and prometheus/
// are for a single machine.
package examples
