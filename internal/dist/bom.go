package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

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
