// Command dist makes the files of a release: tokenctl for each system, the packages of the
// functions with a template that deploys them, and for each program a list of what it is made
// of. The same commit gives the same bytes, on any machine and at any time.
//
//	go run ./internal/dist -python .venv/sam/bin/python
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"testing/fstest"
)

func main() {
	var d dist
	flag.StringVar(&d.out, "o", "dist", "write into this `DIRECTORY`, which is emptied first")
	flag.StringVar(&d.python, "python", "python3", "the `PROGRAM` that has the SAM CLI's packages")
	only := flag.String("only", "", "make only programs with a name that matches this `PATTERN`, and no template")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := d.make(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be cleaned up
	}
}

// dist makes the files of a release from the working directory, which is the project's root.
type dist struct {
	out, python string

	stamp stamp
	env   []string // of each command
}

// make makes the programs with a name that matches only, and with an empty one all files.
func (d *dist) make(ctx context.Context, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if d.env, err = environment(ctx); err != nil {
		return err
	}
	if d.stamp, err = stampOf(ctx, "."); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(d.out), os.MkdirAll(d.out, 0o755)); err != nil {
		return err
	}
	fmt.Println("version", d.stamp.version)
	for _, p := range programs() {
		if pattern.MatchString(p.name(d.stamp.version)) {
			if err := d.pack(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", p.name(d.stamp.version), err)
			}
		}
	}
	if only != "" {
		return nil
	}
	if err := d.template(ctx); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	return d.sums()
}

// pack builds a program and writes its package and the list of its modules.
func (d *dist) pack(ctx context.Context, p program) error {
	dir, err := os.MkdirTemp("", "dist-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, p.binary())
	if err := d.build(ctx, p, dir); err != nil {
		return err
	}
	notices, err := d.notices(ctx, p, binary)
	if err != nil {
		return err
	}
	bom, err := d.bom(ctx, binary)
	if err != nil {
		return err
	}
	name := filepath.Join(d.out, p.name(d.stamp.version))
	if err := os.WriteFile(name+bomSuffix, bom, 0o644); err != nil {
		return err
	}
	program, err := os.ReadFile(binary)
	license, noLicense := os.ReadFile("LICENSE")
	if err := errors.Join(err, noLicense); err != nil {
		return err
	}
	packed, err := p.archive(fstest.MapFS{
		"LICENSE": file(license, 0o644), noticesFile: file(notices, 0o644), p.binary(): file(program, 0o755),
	})
	if err != nil {
		return err
	}
	fmt.Println(filepath.Base(name) + p.suffix())
	return os.WriteFile(name+p.suffix(), packed, 0o644)
}

// templateFile is the name of a release's template.
func templateFile(version string) string { return "token-refresh_" + version + ".template.json" }

// template writes template.yaml as plain CloudFormation, with the functions' packages of this
// release: nothing is left to be built, packaged or transformed.
func (d *dist) template(ctx context.Context) error {
	region := []string{"AWS_DEFAULT_REGION=eu-west-1"} // the translator wants one, and the result holds none
	text, err := d.run(ctx, region, d.python, "tools/translate.py", "template.yaml", d.stamp.version)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.out, templateFile(d.stamp.version)), text, 0o644)
}
