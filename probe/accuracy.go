package probe

import "github.com/seed-fb2c0fa6/inception/score"

// Outcome says how often a head was right.
type Outcome struct {
	// Top1 is how often the label's logit was not the largest, with its interval.
	Top1 score.Errors `json:"top1"`
	// Top5 is how often it was not among the five largest.
	Top5 score.Errors `json:"top5"`
}

// Evaluate compares the head's logits of rows of features with their labels.
func (h *Head) Evaluate(features []float32, labels, rows []int) Outcome {
	wrong1, wrong5 := 0, 0
	for _, row := range rows {
		rank := score.Rank(h.Logits(features[row*h.Size:][:h.Size]), labels[row])
		if rank > 0 {
			wrong1++
		}
		if rank >= 5 {
			wrong5++
		}
	}
	return Outcome{score.ErrorsOf(wrong1, len(rows)), score.ErrorsOf(wrong5, len(rows))}
}
