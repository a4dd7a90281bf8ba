// Package explain draws what speaks for a class in a photograph: a map beside it and over it
// with the scale of the colours (Draw), many of these on a page (WritePage), and sheets of
// the filters of a convolution and the activations of a stage (Sheet).
package explain
