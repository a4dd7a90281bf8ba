package evaluate

import (
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
)

// A LeftOut is what the data have that is not among the images, for a report: names are in
// UTF-8, with other bytes as \xff.
type LeftOut struct {
	// Folders, and files, could not be read, so that images may be missing.
	Folders []Unreadable `json:"folders"`
	// Images look like images, but are of formats that are not read.
	Images []ForeignImage `json:"images"`
}

// A ForeignImage is a file that looks like an image, and its format.
type ForeignImage struct {
	Name   string `json:"name"`
	Format string `json:"format"`
}

// LeftOutOf returns what a set has left out.
func LeftOutOf(left dataset.LeftOut) LeftOut {
	l := LeftOut{[]Unreadable{}, []ForeignImage{}}
	for _, u := range left.Unreadable {
		l.Folders = append(l.Folders, Unreadable{printable.UTF8(u.Name), printable.UTF8(u.Err.Error())})
	}
	for _, f := range left.Images {
		l.Images = append(l.Images, ForeignImage{printable.UTF8(f.Name), f.Format})
	}
	return l
}
