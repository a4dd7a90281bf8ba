package fid

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Made says how features came about. What is empty is not known, as of other programs'
// statistics.
type Made struct {
	Network string `json:"network,omitempty"`
	// Weights is the SHA-256 of their file, in hexadecimal.
	Weights string `json:"weights_sha256,omitempty"`
	// Precision is what the network computed in, as arch.Precision calls it.
	Precision string `json:"precision,omitempty"`
	Mode      Mode   `json:"mode,omitempty"`
}

// A property is one of Made's fields.
type property struct {
	name  string // for people
	key   string // in files
	value *string
}

func (m *Made) properties() []property {
	return []property{
		{"network", "inception.network", &m.Network},
		{"weights", "inception.weights_sha256", &m.Weights},
		{"precision", "inception.precision", &m.Precision},
		{"mode", "inception.fid_mode", (*string)(&m.Mode)},
	}
}

// Unknown lists the names of the properties that are not known: network, weights, precision,
// mode.
func (m Made) Unknown() []string {
	var names []string
	for _, p := range m.properties() {
		if *p.value == "" {
			names = append(names, p.name)
		}
	}
	return names
}

// A DifferenceError says that features do not compare.
type DifferenceError struct {
	// Names are those of the properties that are known of both and differ.
	Names []string
	A, B  Made
}

func (e *DifferenceError) Error() string {
	var differences []string
	a, b := e.A.properties(), e.B.properties()
	for i, p := range a {
		if slices.Contains(e.Names, p.name) {
			differences = append(differences, fmt.Sprintf("%s %q and %q", p.name, *p.value, *b[i].value))
		}
	}
	return "features of different origin do not compare: " + strings.Join(differences, ", ")
}

// Compare returns a *DifferenceError where what is known of both differs.
func (m Made) Compare(other Made) error {
	var names []string
	others := other.properties()
	for i, p := range m.properties() {
		if *p.value != "" && *others[i].value != "" && *p.value != *others[i].value {
			names = append(names, p.name)
		}
	}
	if names != nil {
		return &DifferenceError{Names: names, A: m, B: other}
	}
	return nil
}

// Or returns what is known of m, and of the other what is not.
func (m Made) Or(other Made) Made {
	others := other.properties()
	for i, p := range m.properties() {
		*p.value = cmp.Or(*p.value, *others[i].value)
	}
	return m
}
