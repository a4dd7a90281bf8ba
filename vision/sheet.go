package vision

import "fmt"

// ContactSheet puts images side by side, each resized to tile x tile pixels, in rows of
// the given number of columns, with lines of grey between them. Places without an image
// at the end are grey.
func ContactSheet(images []*Image, columns, tile int) (*Image, error) {
	const line, grey = 2, 128
	if columns < 1 || tile < 1 || len(images) == 0 {
		return nil, fmt.Errorf("a contact sheet of %d images in %d columns of %d pixels, expected at least one of each", len(images), columns, tile)
	}
	rows := (len(images) + columns - 1) / columns
	width, height := columns*(tile+line)+line, rows*(tile+line)+line
	if width > DefaultMaxPixels/height {
		return nil, fmt.Errorf("a contact sheet of %d x %d pixels, expected at most %d; choose smaller tiles", width, height, DefaultMaxPixels)
	}
	sheet := newImage(width, height)
	for i := range sheet.Pix {
		sheet.Pix[i] = grey
	}
	for i, m := range images {
		small, err := Resize(m, tile, tile, Bicubic)
		if err != nil {
			return nil, fmt.Errorf("image %d of a contact sheet: %w", i, err)
		}
		x, y := line+i%columns*(tile+line), line+i/columns*(tile+line)
		for row := range tile {
			copy(sheet.row(y + row)[3*x:], small.row(row))
		}
	}
	return sheet, nil
}
