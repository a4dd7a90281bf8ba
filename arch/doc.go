// Package arch builds the networks of "Inception-v4, Inception-ResNet and the
// Impact of Residual Connections on Learning" (Szegedy et al., arXiv
// 1602.07261) as GoMLX graphs.
//
// Each network is one file, read from top to bottom; each figure of the paper is
// one function, with the shape that the figure gives for inputs of 299 x 299 in
// its comment. Layers and parameters have the names of the TF-slim release, such
// as "InceptionV4/Mixed_5b/Branch_1/Conv2d_0b_3x3/weights".
//
//	network, err := arch.New("inception_v4", arch.Options{})
//	...
//	exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
//		return network.Graph(scope, images).Logits
//	})
package arch
