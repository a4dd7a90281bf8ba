package cli

import (
	"fmt"
	"image"
	"image/color"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// describedViews is what `describe --crops --json` prints.
type describedViews struct {
	predict.FileName
	Width  int           `json:"width"`
	Height int           `json:"height"`
	Views  []vision.View `json:"views"`
}

// describeViews lists the crops of a photograph, and draws them where there is a path for the
// picture.
func describeViews(cmd *cobra.Command, crops vision.Crops, file, picture string, size int, decode decodeFlags, asJSON bool) error {
	photo, err := openPhoto(file, cmd.InOrStdin(), decode.options())
	if err != nil {
		return err
	}
	preprocessing := recipe.Inception()
	preprocessing.Size = size
	views, err := preprocessing.Views(crops, photo.Width, photo.Height)
	if err != nil {
		return err
	}
	if picture != "" {
		if err := drawViews(picture, photo, views, preprocessing.Interpolation); err != nil {
			return err
		}
	}
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, describedViews{predict.NameOf(file), photo.Width, photo.Height, views})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CROP\tRESIZED TO\tSQUARE\tAT\tRESULT\tMIRRORED")
	for i, v := range views {
		mirrored := ""
		if v.Mirrored {
			mirrored = "yes"
		}
		fmt.Fprintf(w, "%d\t%d x %d\t%d x %d\t%d, %d\t%d x %d\t%s\n", i+1, v.Width, v.Height, v.Side, v.Side, v.X, v.Y, v.Size, v.Size, mirrored)
	}
	return w.Flush()
}

// drawViews writes a PNG file of all views.
func drawViews(path string, photo *vision.Image, views []vision.View, interpolation vision.Interpolation) error {
	cuts, err := vision.Cut(photo, views, interpolation)
	if err != nil {
		return err
	}
	images := make([]*vision.Image, cuts.Len())
	for i := range images {
		images[i] = cuts.Image(i)
	}
	const columns, tile = 12, 100
	sheet, err := vision.ContactSheet(images, min(columns, len(images)), tile)
	if err != nil {
		return err
	}
	picture := image.NewNRGBA(image.Rect(0, 0, sheet.Width, sheet.Height))
	for i := range sheet.Width * sheet.Height {
		p := sheet.Pix[3*i:]
		picture.Set(i%sheet.Width, i/sheet.Width, color.NRGBA{p[0], p[1], p[2], 255})
	}
	return writePNG(path, picture)
}
