package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// noticesFile is the file in each package with the licenses of others.
const noticesFile = "THIRD_PARTY_NOTICES.txt"

// licensing matches the names of files that a license wants to go with a program.
var licensing = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// isLicense reports whether a file's name is one of them, and no code's.
func isLicense(name string) bool { return licensing.MatchString(name) && filepath.Ext(name) != ".go" }

// linked is a package that is linked into a program, as `go list` shows it.
type linked struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// notices are the license texts of all modules that are linked into a program, and of Go's
// standard library. It fails if a module has none.
func (d *dist) notices(ctx context.Context, p program, binary string) ([]byte, error) {
	packages, err := d.linked(ctx, p, binary)
	if err != nil {
		return nil, err
	}
	goRoot, err := d.run(ctx, nil, "go", "env", "GOROOT", "GOVERSION")
	if err != nil {
		return nil, err
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(goRoot)), "\n")
	files := map[string][]string{} // by module
	if err := addFiles(files, "Go's standard library "+version, root, root); err != nil {
		return nil, err
	}
	for _, l := range packages {
		if l.Standard || l.Module.Main {
			continue
		}
		if err := addFiles(files, l.Module.Path+" "+l.Module.Version, l.Module.Dir, l.Dir); err != nil {
			return nil, err
		}
	}
	return write(p, files)
}

// linked lists a program's packages, chosen as those of its binary were.
func (d *dist) linked(ctx context.Context, p program, binary string) ([]linked, error) {
	built, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	tags := ""
	for _, s := range built.Settings {
		if s.Key == "-tags" {
			tags = s.Value
		}
	}
	output, err := d.run(ctx, p.env(), "go", "list", "-deps", "-json=Dir,Standard,Module", "-tags", tags, p.path())
	if err != nil {
		return nil, err
	}
	var all []linked
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var l linked
		switch err := decoder.Decode(&l); {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, l)
	}
}

// addFiles adds the files of a package's directory, and of each above it up to its module's: a
// part of a module may have a license of its own.
func addFiles(files map[string][]string, module, moduleDir, dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if e.Type().IsRegular() && isLicense(e.Name()) && !slices.Contains(files[module], path) {
				files[module] = append(files[module], path)
			}
		}
		if dir == moduleDir {
			break
		}
	}
	if len(files[module]) == 0 {
		return fmt.Errorf("%s has no license in %s", module, moduleDir)
	}
	return nil
}

// write writes each text once, and before it whose it is.
func write(p program, files map[string][]string) ([]byte, error) {
	modules := map[string][]string{} // by text: "golang.org/x/sys v0.49.0 (LICENSE)"
	for module, paths := range files {
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			modules[string(text)] = append(modules[string(text)], fmt.Sprintf("%s (%s)", module, filepath.Base(path)))
		}
	}
	for text, of := range modules {
		slices.Sort(of)
		modules[text] = slices.Compact(of)
	}
	texts := slices.SortedFunc(maps.Keys(modules), func(a, b string) int {
		return cmp.Or(slices.Compare(modules[a], modules[b]), strings.Compare(a, b))
	})
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s, for %s on %s, is licensed as LICENSE says. It is linked with the software below.\n",
		p.binary(), p.os, p.arch)
	for _, text := range texts {
		fmt.Fprintf(&out, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(modules[text], "\n"), strings.TrimRight(text, "\n"))
	}
	return out.Bytes(), nil
}

// bomSuffix is the suffix of a list of modules, in CycloneDX's format.
const bomSuffix = ".cdx.json"

// bom lists the modules that a binary is linked from, with hashes and licenses.
func (d *dist) bom(ctx context.Context, binary string) ([]byte, error) {
	file := filepath.Join(filepath.Dir(binary), "bom.json")
	_, err := d.run(ctx, nil, "go", "tool", "-modfile=tools/sbom/go.mod", "cyclonedx-gomod", "bin",
		"-json", "-output", file, "-output-version", "1.6", "-noserial", "-notimestamp", "-std", "-licenses",
		"-version", "v"+d.stamp.version, binary)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return withoutToolHashes(text)
}

// withoutToolHashes removes the hashes of the program that made the list: each machine builds
// that anew, and its bytes tell nothing.
func withoutToolHashes(text []byte) ([]byte, error) {
	var bom map[string]any
	if err := json.Unmarshal(text, &bom); err != nil {
		return nil, err
	}
	if metadata, ok := bom["metadata"].(map[string]any); ok {
		tools, _ := metadata["tools"].([]any)
		for _, tool := range tools {
			if tool, ok := tool.(map[string]any); ok {
				delete(tool, "hashes")
			}
		}
	}
	return json.MarshalIndent(bom, "", "  ")
}
