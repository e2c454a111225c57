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
	"time"
)

// epoch is the time of each file in a package: the earliest that zip knows.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// entry is a file in a package.
type entry struct {
	name string
	text []byte
	mode fs.FileMode
}

// zipped packs entries in their order.
func zipped(entries []entry) ([]byte, error) {
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: epoch}
		header.SetMode(e.mode)
		file, err := archive.CreateHeader(header)
		if err == nil {
			_, err = file.Write(e.text)
		}
		if err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return packed.Bytes(), err
}

// tarred packs entries in their order, as files of nobody.
func tarred(entries []entry) ([]byte, error) {
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	for _, e := range entries {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.text)), Mode: int64(e.mode), ModTime: epoch, Format: tar.FormatUSTAR,
		}
		err := archive.WriteHeader(header)
		if err == nil {
			_, err = archive.Write(e.text)
		}
		if err != nil {
			return nil, err
		}
	}
	err := errors.Join(archive.Close(), compressed.Close())
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
