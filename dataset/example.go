package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The features of TF-slim's records for ImageNet that are read
// (datasets/build_imagenet_data.py).
const (
	featureImage    = "image/encoded"
	featureLabel    = "image/class/label"
	featureFilename = "image/filename"
	featureSynset   = "image/class/synset"
	featureText     = "image/class/text"
)

// An example is what a record says about its image.
type example struct {
	image    span
	label    int64
	filename string
	class    string // its synset, or else its text, or else empty
}

// readExample reads a serialised tf.train.Example, except for the image itself:
//
//	Example   { Features features = 1 }
//	Features  { map<string, Feature> feature = 1 }: entries { string key = 1; Feature value = 2 }
//	Feature   { BytesList bytes_list = 1 | FloatList float_list = 2 | Int64List int64_list = 3 }
//	BytesList { repeated bytes value = 1 }
//	Int64List { repeated int64 value = 1 }, packed or not
func readExample(w *window, s span) (example, error) {
	features := map[string]span{}
	var names []string
	err := w.fields(s, func(f field) error {
		if f.number != 1 || f.wire != wireBytes {
			return nil
		}
		return w.fields(f.content, func(f field) error {
			if f.number != 1 || f.wire != wireBytes {
				return nil
			}
			var name string
			var value span
			err := w.fields(f.content, func(f field) (err error) {
				switch {
				case f.number == 1 && f.wire == wireBytes:
					name, err = w.text(f.content)
				case f.number == 2 && f.wire == wireBytes:
					value = f.content
				}
				return err
			})
			features[name] = value
			names = append(names, name)
			return err
		})
	})
	if err != nil {
		return example{}, fmt.Errorf("its data are not a tf.train.Example: %w", err)
	}
	slices.Sort(names)
	missing := func(name, kind string) error {
		return fmt.Errorf("expected a feature %s with one %s, found the features %s; write the records in TF-slim's layout for ImageNet", name, kind, strings.Join(names, ", "))
	}
	var e example
	var ok bool
	if e.image, ok, err = firstBytes(w, features[featureImage]); err != nil || !ok {
		return example{}, cmp.Or(err, missing(featureImage, "string"))
	}
	if e.label, ok, err = firstInt(w, features[featureLabel]); err != nil || !ok {
		return example{}, cmp.Or(err, missing(featureLabel, "integer"))
	}
	for _, text := range []struct {
		name string
		to   *string
	}{{featureFilename, &e.filename}, {featureText, &e.class}, {featureSynset, &e.class}} {
		value, ok, err := firstBytes(w, features[text.name])
		if err != nil {
			return example{}, fmt.Errorf("feature %s: %w", text.name, err)
		}
		if !ok || value.from == value.to {
			continue
		}
		if *text.to, err = w.text(value); err != nil {
			return example{}, fmt.Errorf("feature %s: %w", text.name, err)
		}
	}
	return e, nil
}

// firstBytes returns the first string of a Feature.
func firstBytes(w *window, feature span) (first span, ok bool, err error) {
	err = w.fields(feature, func(f field) error {
		if f.number != 1 || f.wire != wireBytes {
			return nil
		}
		return w.fields(f.content, func(f field) error {
			if f.number == 1 && f.wire == wireBytes && !ok {
				first, ok = f.content, true
			}
			return nil
		})
	})
	return first, ok, err
}

// firstInt returns the first integer of a Feature.
func firstInt(w *window, feature span) (first int64, ok bool, err error) {
	err = w.fields(feature, func(f field) error {
		if f.number != 3 || f.wire != wireBytes {
			return nil
		}
		return w.fields(f.content, func(f field) error {
			if f.number != 1 || ok {
				return nil
			}
			value := f.value
			switch {
			case f.wire == wireVarint:
			case f.wire == wireBytes && f.content.from < f.content.to:
				var err error
				if value, _, err = w.varint(f.content); err != nil {
					return err
				}
			default:
				return nil
			}
			first, ok = int64(value), true
			return nil
		})
	})
	return first, ok, err
}
