package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"
)

// text is a text of many lines, from a file or standard input.
type text struct {
	io.Reader
	// size is in bytes; -1: not known.
	size int64
	// progress is the file beside it that keeps how far it has come; empty: there can be none.
	progress string
	close    func()
}

// openText opens a file; - is standard input.
func openText(cmd *cobra.Command, path string) (text, error) {
	if path == "-" {
		return text{cmd.InOrStdin(), -1, "", func() {}}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return text{}, err
	}
	t := text{file, -1, "", func() { _ = file.Close() }}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		t.size, t.progress = info.Size(), path+".progress"
	}
	return t, err
}
