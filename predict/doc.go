// Package predict classifies photographs: a network, its weights, the
// preprocessing that the weights expect and the names of their classes, made one
// Classifier.
//
//	classifier, err := predict.Open(ctx, backend, predict.Config{Weights: "model.safetensors"})
//	...
//	results, err := classifier.Predict(ctx, photo)
//	fmt.Println(results[0].Top(5))
package predict
