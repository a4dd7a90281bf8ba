package png

import "fmt"

// unfilter adds to each byte of a row what it was predicted as: from the byte a pixel
// before, from the one above, from their mean, or from the one of the three around that is
// nearest to their plane (Paeth).
func unfilter(filter uint8, row, above []byte, distance int) error {
	above = above[:len(row)]
	switch filter {
	case 0:
	case 1:
		for i := distance; i < len(row); i++ {
			row[i] += row[i-distance]
		}
	case 2:
		for i, v := range above {
			row[i] += v
		}
	case 3:
		for i := range min(distance, len(row)) {
			row[i] += above[i] / 2
		}
		for i := distance; i < len(row); i++ {
			row[i] += uint8((int(row[i-distance]) + int(above[i])) / 2)
		}
	case 4:
		for i := range min(distance, len(row)) {
			row[i] += above[i]
		}
		for i := distance; i < len(row); i++ {
			row[i] += paeth(row[i-distance], above[i], above[i-distance])
		}
	default:
		return fmt.Errorf("filter %d, expected 0 to 4", filter)
	}
	return nil
}

func paeth(left, above, diagonal uint8) uint8 {
	// The distances from left+above-diagonal.
	toLeft := int(above) - int(diagonal)
	toAbove := int(left) - int(diagonal)
	toDiagonal := abs(toLeft + toAbove)
	toLeft, toAbove = abs(toLeft), abs(toAbove)
	if toLeft <= toAbove && toLeft <= toDiagonal {
		return left
	}
	if toAbove <= toDiagonal {
		return above
	}
	return diagonal
}

func abs(v int) int { return max(v, -v) }
