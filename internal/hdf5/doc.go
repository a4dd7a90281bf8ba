// Package hdf5 reads HDF5 files as h5py and Keras write them: the groups, attributes that
// are text, and data sets of numbers.
//
// It knows superblocks of versions 0 to 3, object headers of both versions, groups of the
// old style (a B-tree and a local heap) and of the new (links in messages, or in a fractal
// heap with a B-tree of version 2), data that are compact, contiguous, or in chunks (B-tree
// of version 1, one chunk, a fixed array, or in a row), and the filters deflate, shuffle
// and Fletcher-32. Whatever else a file has is an error that says what it is.
//
// The reader trusts nothing: every address is held against the file, no block is visited
// twice where that would lead around, and memory is bounded by what the file can hold.
//
// Source: HDF5 File Format Specification Version 3.0.
package hdf5
