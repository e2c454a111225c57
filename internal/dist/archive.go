package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"
)

// epoch is the time of each file in a package: the earliest that zip knows.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// file is a file in a package.
func file(text []byte, mode fs.FileMode) *fstest.MapFile {
	return &fstest.MapFile{Data: text, Mode: mode, ModTime: epoch}
}

// archive packs files in the order of their names, as files of nobody.
func (p program) archive(files fstest.MapFS) ([]byte, error) {
	var packed bytes.Buffer
	if p.suffix() == ".zip" {
		archive := zip.NewWriter(&packed)
		err := errors.Join(archive.AddFS(files), archive.Close())
		return packed.Bytes(), err
	}
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	err := errors.Join(archive.AddFS(files), archive.Close(), compressed.Close())
	return packed.Bytes(), err
}

const sumsFile = "SHA256SUMS"

// sums writes the checksums of all files, as sha256sum does.
func (d *dist) sums() error {
	files, err := os.ReadDir(d.out) // sorted
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(d.out, file.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), file.Name())
	}
	return os.WriteFile(filepath.Join(d.out, sumsFile), []byte(sums.String()), 0o644)
}
