// Package features writes what a network computes of photographs, row by row, to files that
// other programs read: numpy's .npy, safetensors, CSV and JSON lines, and the folder that
// TensorBoard's projector draws (WriteProjector).
//
//	err := features.Write("features.npy", features.Header{About: about, Files: names},
//		func(add func(features.Row) error) error {
//			return classifier.EachFeatures(ctx, predict.Pooled, slices.Values(names), open, func(f predict.Features) error {
//				return add(features.Row{File: f.Name, Values: f.Values, Err: f.Err})
//			})
//		})
//
// Rows have the order of the photographs, and each format says which photograph a row is of.
// Those that could not be read have no row, except in JSON lines, where they have their error.
package features
