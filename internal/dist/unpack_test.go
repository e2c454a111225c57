package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"

	"gotest.tools/v3/assert"
)

// unpacked is a file of a package.
type unpacked struct {
	Name, Text, Mode string
	Owner            string // of a tar archive; a zip archive has none
	Year             int
}

// unpackZip returns the files of a zip archive in their order.
func unpackZip(t *testing.T, packed []byte) []unpacked {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	assert.NilError(t, err)
	var files []unpacked
	for _, f := range archive.File {
		opened, err := f.Open()
		assert.NilError(t, err)
		text, err := io.ReadAll(opened)
		assert.NilError(t, err)
		files = append(files, unpacked{Name: f.Name, Text: string(text), Mode: f.Mode().String(), Year: f.Modified.UTC().Year()})
	}
	return files
}

// unpackTar returns the files of a compressed tar archive in their order.
func unpackTar(t *testing.T, packed []byte) []unpacked {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	assert.NilError(t, err)
	var files []unpacked
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		assert.NilError(t, err)
		text, err := io.ReadAll(archive)
		assert.NilError(t, err)
		assert.Equal(t, h.Uid+h.Gid, 0)
		files = append(files, unpacked{h.Name, string(text), h.FileInfo().Mode().String(), h.Uname + h.Gname, h.ModTime.UTC().Year()})
	}
}
