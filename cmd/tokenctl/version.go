package main

import (
	"cmp"
	"runtime/debug"
)

// version is what this program was built from: the module's version, else the commit, with
// +dirty where files were changed since; "unknown" where the build has not noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	return versionOf(info)
}

const unknownVersion = "unknown"

func versionOf(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" { // go build makes one of the commit
		return v
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	v := cmp.Or(settings["vcs.revision"], unknownVersion)
	if settings["vcs.modified"] == "true" {
		v += "+dirty"
	}
	return v
}
