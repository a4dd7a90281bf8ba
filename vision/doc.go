// Package vision turns photographs into the tensors that networks read: it
// decodes files, resizes as Python's Pillow does, cuts the evaluation crop of the
// paper's section 5, and normalises. For training it distorts them at random as the
// paper's released code does.
//
// Published accuracies were measured with Pillow or TensorFlow on top of libjpeg, so
// the numbers here follow those: chroma is interpolated as libjpeg-turbo and libwebp
// do it, and resizing has Pillow's fixed point and its order of passes.
package vision
