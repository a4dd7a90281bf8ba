// Package explain tells which parts of a photograph speak for a class, and draws them.
//
// A Method, such as ClassActivation or IntegratedGradients, is what a map's values are. Open
// makes an Explainer of it for a classifier, which explains photographs one after the other.
// Draw puts a map beside its photograph and over it, and WritePage many of these on a page.
//
// A Sheet has the filters of a convolution, or the activations of a stage.
package explain
