// Package vision turns photographs into the tensors that networks read: it
// decodes files, resizes as Python's Pillow does, cuts the evaluation crop of the
// paper's section 5, and normalises.
package vision
