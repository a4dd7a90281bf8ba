package features

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// The files that TensorBoard's projector reads in a folder
// (tensorboard/plugins/projector/projector_config.proto).
const (
	projectorConfig   = "projector_config.pbtxt" // names the others
	projectorVectors  = "vectors.tsv"
	projectorMetadata = "metadata.tsv"
	projectorSprite   = "sprite.png"
)

// The projector's page takes no sprite that is wider or higher than spriteSide pixels. Pictures
// in it are tileSide wide and high where that leaves room for all.
const (
	spriteSide = 8192
	tileSide   = 64
)

// WriteProjector writes the rows that rows adds to a folder, as TensorBoard's projector reads
// them: their values, their photographs' names and folders, and small pictures of those that
// have a Picture. Values of several axes become one. The folder is made where it is not there.
//
// Values and names are written as text, which TensorBoard and the projector's own page both read.
func WriteProjector(folder string, h Header, rows func(add func(Row) error) error) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	pictures := newSprite(len(h.Files))
	written := 0
	err := atomicfile.Write(in(projectorVectors), func(vectors io.Writer) error {
		return atomicfile.Write(in(projectorMetadata), func(metadata io.Writer) error {
			p := projector{vectors: bufio.NewWriterSize(vectors, bufferBytes), metadata: bufio.NewWriter(metadata)}
			fmt.Fprintln(p.metadata, "file\tfolder")
			if err := rows(adder(&p, h, func(r Row) error { written++; return pictures.add(r.Picture) })); err != nil {
				return err
			}
			if written == 0 {
				return ErrNone
			}
			// It would name the old files' shape beside the new ones.
			if err := removeIfThere(in(projectorConfig)); err != nil {
				return err
			}
			return p.end()
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	config := fmt.Sprintf("embeddings {\n  tensor_name: %q\n  tensor_path: %q\n  tensor_shape: %d\n  tensor_shape: %d\n  metadata_path: %q\n",
		h.Layer, projectorVectors, written, h.values(), projectorMetadata)
	if pictures.any {
		if err := atomicfile.Write(in(projectorSprite), pictures.encode); err != nil {
			return err
		}
		config += fmt.Sprintf("  sprite {\n    image_path: %q\n    single_image_dim: %d\n    single_image_dim: %d\n  }\n", projectorSprite, pictures.tile, pictures.tile)
	}
	return atomicfile.WriteBytes(in(projectorConfig), []byte(config+"}\n"))
}

// projector writes a line of values and one of names for each photograph.
type projector struct {
	vectors, metadata *bufio.Writer
	line              []byte
}

func (p *projector) row(r Row) error {
	if r.Err != nil {
		return nil
	}
	p.line = p.line[:0]
	for i, v := range r.Values {
		if i > 0 {
			p.line = append(p.line, '\t')
		}
		p.line = strconv.AppendFloat(p.line, float64(v), 'g', -1, 32)
	}
	if _, err := p.vectors.Write(append(p.line, '\n')); err != nil {
		return err
	}
	name := filepath.ToSlash(r.File)
	above := path.Base(path.Dir(name))
	if above == "." || above == "/" {
		above = ""
	}
	_, err := fmt.Fprintf(p.metadata, "%s\t%s\n", printable.Line(name), printable.Line(above))
	return err
}

func (p *projector) end() error {
	if err := p.vectors.Flush(); err != nil {
		return err
	}
	return p.metadata.Flush()
}

// A sprite holds small pictures of all rows, from left to right and from the top.
type sprite struct {
	columns, tile int
	sheet         *image.NRGBA
	count         int
	any           bool
}

func newSprite(photographs int) *sprite {
	columns := max(1, int(math.Ceil(math.Sqrt(float64(photographs)))))
	return &sprite{columns: columns, tile: min(tileSide, spriteSide/columns)}
}

// add adds a row's picture, or a place without one.
func (s *sprite) add(m *vision.Image) error {
	at := s.count
	s.count++
	if m == nil || s.tile == 0 { // of so many rows that there is no room
		return nil
	}
	if s.any = true; s.sheet == nil {
		s.sheet = image.NewNRGBA(image.Rect(0, 0, s.columns*s.tile, s.columns*s.tile))
	}
	small, err := vision.Resize(m, s.tile, s.tile, vision.Bicubic)
	if err != nil {
		return err
	}
	left, top := at%s.columns*s.tile, at/s.columns*s.tile
	for y := range s.tile {
		for x := range s.tile {
			p := small.Pix[3*(y*s.tile+x):]
			s.sheet.SetNRGBA(left+x, top+y, color.NRGBA{p[0], p[1], p[2], 255})
		}
	}
	return nil
}

// encode writes the rows of pictures that there are.
func (s *sprite) encode(w io.Writer) error {
	used := image.Rect(0, 0, s.columns*s.tile, (s.count+s.columns-1)/s.columns*s.tile)
	return png.Encode(w, s.sheet.SubImage(used))
}
