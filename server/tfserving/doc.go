// Package tfserving is the REST protocol of TensorFlow Serving for a model of one input of
// images, which is also version 1 of KServe's: what requests to predict hold, in rows
// ("instances") and in columns ("inputs"), and what answers are. It knows of no listener.
//
// The specification is TensorFlow Serving's (tensorflow.org/tfx/serving/api_rest), and that of
// KServe's data plane, version 1.
package tfserving
