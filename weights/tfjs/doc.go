// Package tfjs reads the layers models of TensorFlow.js: a model.json with Keras'
// description of the model and a list of its weights, and beside it shards with their
// bytes, which may be quantised to 8 or 16 bits, or to float16. A tensor is read when it is
// asked for.
//
// Source: tfjs-converter's python/tensorflowjs/write_weights.py and tfjs-core's io.
package tfjs
