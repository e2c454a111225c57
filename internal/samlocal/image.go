package main

import (
	"archive/tar"
	"bytes"
	"runtime"
)

// baseImage is what the SAM CLI builds on. Where the own engine has no way to AWS's registry
// a small one takes its place: the SAM CLI adds AWS's runtime emulator to either.
func baseImage() string {
	if runtime.GOARCH == "arm64" {
		return "public.ecr.aws/lambda/provided:al2023-arm64"
	}
	return "public.ecr.aws/lambda/provided:al2023-x86_64"
}

// smallImage is the archive of an image with the few commands that the SAM CLI runs in it.
func smallImage(busybox []byte) (*bytes.Buffer, error) {
	var err error
	archive := &bytes.Buffer{}
	w := tar.NewWriter(archive)
	put := func(header *tar.Header, content []byte) {
		header.Size = int64(len(content))
		if err == nil {
			err = w.WriteHeader(header)
		}
		if err == nil {
			_, err = w.Write(content)
		}
	}
	for _, folder := range []string{"bin/", "usr/", "usr/local/", "usr/local/bin/", "var/", "var/task/", "var/runtime/", "opt/"} {
		put(&tar.Header{Typeflag: tar.TypeDir, Name: folder, Mode: 0o755}, nil)
	}
	put(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil)
	put(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, busybox)
	for _, name := range []string{"sh", "mv", "chmod", "cp", "rm"} {
		put(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}, nil)
	}
	if err != nil {
		return nil, err
	}
	return archive, w.Close()
}
