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

// An Outcome is what a network said of one image.
type Outcome struct {
	// Top1 and Top5 tell whether the image's class is the first, or among the first five.
	Top1, Top5 bool
	// Loss is the cross-entropy, without label smoothing.
	Loss float64
}

// Outcomes are those of a batch; logits are [images][classes].
func Outcomes(logits []float32, labels []int32) []Outcome {
	all := make([]Outcome, len(labels))
	classes := len(logits) / max(1, len(labels))
	for i, label := range labels {
		own := logits[i*classes:][:classes]
		r := Rank(own, int(label))
		all[i] = Outcome{r < 1, r < Five, CrossEntropy(own, int(label))}
	}
	return all
}

// A Tally counts towards an accuracy, image by image. The zero value is ready. What it comes
// to depends on the order of the images in the last digits of the loss.
type Tally struct {
	images, top1, top5 int
	loss               float64
}

// Add counts images.
func (t *Tally) Add(all ...Outcome) {
	for _, o := range all {
		t.images++
		if o.Top1 {
			t.top1++
		}
		if o.Top5 {
			t.top5++
		}
		t.loss += o.Loss
	}
}

// Accuracy is that of all images counted so far; without any it is zero.
func (t *Tally) Accuracy() Accuracy {
	if t.images == 0 {
		return Accuracy{}
	}
	n := float64(t.images)
	return Accuracy{t.images, float64(t.top1) / n, float64(t.top5) / n, t.loss / n}
}
