package score

// An Accuracy is how well a network does on some images.
type Accuracy struct {
	Images int `json:"images"`
	// Top1 and Top5 are the shares of images whose class is the first, or among the
	// first five, of the network's.
	Top1 float64 `json:"top1"`
	Top5 float64 `json:"top5"`
	// Loss is the mean cross-entropy, without label smoothing.
	Loss float64 `json:"loss"`
}

// Hits counts the images of a batch whose label is the first, and among the first five.
// Logits are [images][classes].
func Hits(logits []float32, labels []int32) (top1, top5 int) {
	classes := len(logits) / len(labels)
	for i, label := range labels {
		r := Rank(logits[i*classes:][:classes], int(label))
		if r < 1 {
			top1++
		}
		if r < Five {
			top5++
		}
	}
	return top1, top5
}

// A Tally counts towards an accuracy, batch by batch. The zero value is ready.
type Tally struct {
	images, top1, top5 int
	loss               float64
}

// Add counts a batch; logits are [images][classes].
func (t *Tally) Add(logits []float32, labels []int32) {
	top1, top5 := Hits(logits, labels)
	t.top1, t.top5 = t.top1+top1, t.top5+top5
	classes := len(logits) / len(labels)
	for i, label := range labels {
		t.loss += CrossEntropy(logits[i*classes:][:classes], int(label))
	}
	t.images += len(labels)
}

// Accuracy is that of all images counted so far; without any it is zero.
func (t *Tally) Accuracy() Accuracy {
	if t.images == 0 {
		return Accuracy{}
	}
	n := float64(t.images)
	return Accuracy{t.images, float64(t.top1) / n, float64(t.top5) / n, t.loss / n}
}
