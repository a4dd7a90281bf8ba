package vision

import (
	"bytes"
	"image"
	"image/draw"
	"image/gif"
)

// decodeGIF decodes the first frame, which may cover a part of the canvas only; the rest
// is transparent.
func decodeGIF(data []byte, _ DecodeOptions) (pixels, error) {
	canvas, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	frame, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	whole := image.Rect(0, 0, canvas.Width, canvas.Height)
	if frame.Bounds() == whole {
		return toRGB(frame), nil
	}
	full := image.NewNRGBA(whole)
	draw.Draw(full, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return toRGB(full), nil
}
