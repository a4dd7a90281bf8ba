// Package engine is a compute backend for GoMLX that makes convolutional networks
// fast on CPUs, without C. It is registered under the name "cpu".
//
// # The way of a program
//
// GoMLX calls the methods of a compute.Function for each operation of a graph, then
// Compile, then Execute for each batch. [Backend.Builder] begins that way, and compile.go
// is the whole of it on one page, in four stages, each a package. Imports go one way:
// lower stands on graph and on plan's types, run on plan's, and neither on the other.
//
// internal/graph records. Each method makes a Node: the operation, its operands and what
// lowering needs to know of it. The same operation is given to GoMLX's go backend, which
// infers its shape and finds its errors, and a Node keeps how to repeat that.
//
// internal/lower turns nodes into operations on tensors. It finds what is live, what is
// constant and what is computed again for gradients; it lets ReLU keep the sign of what it
// cuts off, where its gradient can use that (rectify.go); then it asks a list of recognisers
// for each node (recognisers.go, in their order and with the reasons for it). A recogniser
// takes along what follows: a convolution its batch norm, bias, residual sum and ReLU. What
// none knows is delegated to the go backend, in parts that are as large as possible.
//
// internal/plan has the operations, the tensors and where these are in memory. A table of
// passes (passes.go, each with its reason and with what has to come before it) changes the
// order and the number of the operations, decides what is written over what, has each
// operation's implementation chosen, and divides one arena among the tensors. Verify checks
// a plan; tests run it after every pass.
//
// internal/run computes. The first implementation of an ordered list that accepts an
// operation (choose.go) is how it is computed, for inference, training, profiles and
// measurements alike. It packs constant weights once, and is bound to the memory of each
// run; then running the program is calling its operations one after the other, most of
// which divide their work among all threads.
//
// engine/kernel, below all of these, has the innermost loops, in plain Go and in assembly,
// and checks what they are given. internal/tuning has the thresholds that the stages decide
// by.
//
// # The way of a convolution
//
// A 3x3 convolution of Inception-v4 with its batch norm and ReLU is recorded by
// graph's Function.ConvGeneral, and Mul, Add and Max after it (record_network.go,
// record_binary.go). The recogniser lower's lowering.convolution reads the axes, strides
// and paddings into a plan.Convolution with one kernel.Window, its weights being constant;
// addConvolution multiplies the factors of the batch norm into Scale, adds its summands to
// Bias, sets ReLU, and marks the three nodes done (convolution.go). Its output is the tensor
// of the last of them; a concatenation after it makes that a Part of a wider tensor
// (channels.go), so that nothing is copied.
//
// The passes leave it where it is, unless it is a 1x1 convolution: that may go before the
// average pooling that it follows, or be joined with others of the same pixels; or one of a stem,
// which is computed for one image after the other (split_images.go). Choosing
// asks run's acceptsWinograd: a dense window of 3x3, 1x3, 3x1, 1x7 or 7x1, 32 channels and
// enough tiles for all threads are computed by Winograd's algorithm, what is left as a
// product of matrices (direct.go). newWinograd lays the tiles; dividing the arena gives In and Out
// their offsets; place takes the distances of their pixels, and needs says how much scratch
// each thread has to have; pack transforms the weights, times Scale, into the order of the kernel.
//
// bind, once for each run's memory, returns a function that lets the threads take blocks of
// tiles. A block is kernel's WinogradF32.Run: the input transform, for AVX-512 the
// assembly WinogradInputF32_6x6, a product at each of the 36 points by the tile
// GemmF32_14x32, and the output transform, which adds Bias and the residual and applies
// ReLU.
//
// # Integers
//
// A network in int8 says in its graph where activations are rounded to unsigned integers, and
// computes with those and with signed weights in float32. The engine keeps the integers,
// which are a quarter of the bytes, and sums their products in 32 bits, exactly. A convolution
// takes along the rounding of its result (quantized.go): the tile GemmI8_14x32 multiplies a
// sum by the scales, adds the bias, and writes the integer. The sum of a residual block stays
// float32, and the tile writes it and its integers at once. Windows of 3x3, and without VNNI
// also of 1x7 and 7x1, are computed by Winograd's algorithm in words, modulo 1<<32, with the same
// sums. Results differ from what the graph says by no more than one rounding: a value near the
// middle of two integers becomes the other one.
package engine
