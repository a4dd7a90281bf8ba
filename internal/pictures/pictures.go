// Package pictures draws small pictures for tests. Only tests use it.
package pictures

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// Draw returns a picture of width x height pixels in the given colours.
func Draw(width, height int, at func(x, y int) color.NRGBA) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, at(x, y))
		}
	}
	return m
}

// PNG encodes a picture.
func PNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
