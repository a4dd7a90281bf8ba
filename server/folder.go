package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Place is where a version of a model is in a folder of models.
type Place struct {
	Name, Version string
	// Path is a file of weights, or a folder of them.
	Path string
}

// Places lists a folder of models:
//
//	NAME/VERSION/...   versions, whole numbers, as Triton and TensorFlow Serving have them
//	NAME/...           weights without a version, which is 1
//	NAME.safetensors   a file, of version 1
//
// Of each name it returns the newest versions, as many as newest says, or all for 0. What
// begins with a dot is left out, and so are other files, such as config.pbtxt.
func Places(folder string, newest func(name string) int) ([]Place, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []Place
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := os.Stat(path) // of what a link leads to
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			if CheckName(e.Name()) != nil {
				continue // such as lost+found
			}
			places, err := versionsIn(path, e.Name(), newest(e.Name()))
			if err != nil {
				return nil, err
			}
			all = append(all, places...)
			continue
		}
		name, ok := strings.CutSuffix(e.Name(), ".safetensors")
		if !ok || !info.Mode().IsRegular() {
			continue
		}
		if err := CheckName(name); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, Place{name, firstVersion, path})
	}
	if err := checkPlaces(all); err != nil {
		return nil, err
	}
	return all, nil
}

// firstVersion is that of models that tell none.
const firstVersion = "1"

func checkPlaces(all []Place) error {
	for i, p := range all {
		j := slices.IndexFunc(all[:i], func(o Place) bool { return o.Name == p.Name && o.Version == p.Version })
		if j >= 0 {
			return fmt.Errorf("%s and %s are both version %s of the model %s; leave one", all[j].Path, p.Path, p.Version, p.Name)
		}
	}
	return nil
}

// versionsIn lists the newest versions of a model in its folder.
func versionsIn(folder, name string, newest int) ([]Place, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, e := range entries {
		if !goodVersion.MatchString(e.Name()) {
			continue
		}
		if info, err := os.Stat(filepath.Join(folder, e.Name())); err == nil && info.IsDir() {
			versions = append(versions, e.Name())
		}
	}
	if len(versions) == 0 {
		return []Place{{name, firstVersion, folder}}, nil
	}
	slices.SortFunc(versions, func(a, b string) int { return compareVersions(b, a) })
	if newest > 0 {
		versions = versions[:min(newest, len(versions))]
	}
	var places []Place
	for _, v := range versions {
		places = append(places, Place{name, v, filepath.Join(folder, v)})
	}
	return places, nil
}
