// Package model reads the description of a model that Keras and TensorFlow.js keep as JSON,
// and says what it computes. Functions that a description names, as those of Lambda layers,
// are never executed.
package model
