package evaluate

import (
	"bytes"
	"fmt"
	"image/png"
	"testing"
)

// TestDrawConfusion expects dark cells where the images are: on the diagonal from the top
// left when all are right, and off it when all are wrong.
func TestDrawConfusion(t *testing.T) {
	for _, n := range []int{2, 10, 61, 300} {
		for _, right := range []bool{true, false} {
			r := &Report{Images: 3 * n, Rows: []Row{{Name: "net"}}}
			for i := range n {
				r.Classes = append(r.Classes, fmt.Sprint("class ", i))
				line := make([]int, n)
				if right {
					line[i] = 3
				} else {
					line[n-1-i] = 3
				}
				r.Confusion = append(r.Confusion, line)
			}
			var b bytes.Buffer
			if err := r.DrawConfusion(&b); err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			// The centre of mass of what is dark blue, left and right of the middle.
			size := picture.Bounds().Size()
			var sums, counts [2]int
			for y := range size.Y {
				for x := range size.X {
					r, _, b, _ := picture.At(x, y).RGBA()
					if r>>8 == 8 && b>>8 == 107 {
						half := 0
						if x > size.X/2 {
							half = 1
						}
						sums[half] += y
						counts[half]++
					}
				}
			}
			if counts[0] == 0 || counts[1] == 0 {
				t.Fatalf("%d classes: %v pixels are dark", n, counts)
			}
			left, rightHalf := sums[0]/counts[0], sums[1]/counts[1]
			if (left < rightHalf) != right {
				t.Errorf("%d classes, right %t: the dark pixels' rows are %d on the left and %d on the right", n, right, left, rightHalf)
			}
		}
	}
}
