// Package nearest finds the photographs of a folder whose features are nearest to those of
// another, and those of a folder that are the same or nearly so.
//
// Vectors search: they compare all rows with each query by the engine's products, and those that
// rounding leaves in doubt again in float64, so that the result is that of an exact search. An
// Index is a folder's vectors in a file, with what tells which photographs have changed since:
// Update computes the features of these alone.
//
//	index, err := nearest.Open("photos.index.safetensors")
//	found, err := index.Vectors.Search(ctx, [][]float32{query}, 10, nearest.Cosine)
//	groups, err := index.Duplicates(ctx, 0.97)
package nearest
