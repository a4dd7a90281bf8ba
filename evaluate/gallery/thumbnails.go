package gallery

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"maps"
	"slices"

	"github.com/seed-fb2c0fa6/inception/internal/ahead"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// The longer side of a thumbnail, in pixels, and its quality.
const (
	thumbnailSide    = 144
	thumbnailQuality = 80
)

// A thumbnail is a photograph as a URL that holds it.
type thumbnail struct {
	URL           template.URL
	Width, Height int
}

// thumbnails reads the photographs of these indexes.
func (g *gallery) thumbnails(ctx context.Context, indexes map[int]bool) (map[int]thumbnail, error) {
	type result struct {
		thumbnail
		err error
	}
	all := make(map[int]thumbnail, len(indexes))
	err := ahead.Each(ctx, ahead.Options{}, slices.Values(slices.Sorted(maps.Keys(indexes))), func(index int, to *result, reserve func(int64)) {
		to.thumbnail, to.err = g.thumbnail(index, reserve)
		reserve(int64(len(to.URL)))
	}, func(index int, r *result) error {
		if r.err != nil {
			return fmt.Errorf("%s: %w", g.options.Set.Name(index), r.err)
		}
		all[index] = r.thumbnail
		return nil
	})
	return all, err
}

func (g *gallery) thumbnail(index int, reserve func(int64)) (thumbnail, error) {
	file, err := g.options.Set.Read(index)
	if err != nil {
		return thumbnail{}, err
	}
	o := g.options.Decode
	o.ResizedTo, o.Reserve = thumbnailSide, reserve
	m, err := vision.Decode(file, o)
	if err != nil {
		return thumbnail{}, err
	}
	if longer := max(m.Width, m.Height); longer > thumbnailSide {
		width, height := max(1, m.Width*thumbnailSide/longer), max(1, m.Height*thumbnailSide/longer)
		if m, err = vision.Resize(m, width, height, vision.Bicubic); err != nil {
			return thumbnail{}, err
		}
	}
	picture := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Width * m.Height {
		copy(picture.Pix[4*i:], m.Pix[3*i:][:3])
		picture.Pix[4*i+3] = 255
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, picture, &jpeg.Options{Quality: thumbnailQuality}); err != nil {
		return thumbnail{}, err
	}
	return thumbnail{template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data.Bytes())), m.Width, m.Height}, nil
}
