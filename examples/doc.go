// Package examples tests the readers in other languages than Go: python/ and node/ have
// one file each, to be copied into a service.
package examples
