// Package probe trains a linear classifier on stored features: the last layer of a network whose
// others stay as they are, which takes seconds (a linear probe; Alain and Bengio, arXiv
// 1610.01644).
//
//	train, held := probe.Divide(labels, 0.2, seed)
//	head, err := probe.Fit(ctx, table.Values, table.Size(), labels, train, len(classes), probe.Options{})
//	right := head.Accuracy(table.Values, labels, held)
//	err = probe.Write(ctx, "model.safetensors", checkpoint, hint, head, table.About, classes)
//
// What Write writes is an ordinary file of weights.
package probe
