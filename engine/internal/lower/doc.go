// Package lower turns recorded nodes into operations on tensors.
//
// It finds what no output needs, what is constant, and what computes activations again;
// constants are computed at once. It lets ReLU keep the sign of what it cuts off where its
// gradient can use that (rectify.go). Then it walks through the nodes in their order and asks
// the recognisers (recognisers.go), in theirs, for the operation that computes a node and
// those after it that it can take along. What none of them knows is delegated, in parts
// that are as large as possible, to GoMLX's go backend.
package lower
