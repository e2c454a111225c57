package main

import (
	"context"
	"os"
	"path/filepath"
)

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
