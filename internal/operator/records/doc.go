// Package records loads files of Berbix transactions into a home: a line a record, in
// constant memory, and resumable.
package records
