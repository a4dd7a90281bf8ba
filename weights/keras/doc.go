// Package keras reads the files of Keras: HDF5 files with a whole model or its weights
// alone, as Keras 2 and 3 write them, and archives of Keras 3 (.keras), which hold a
// description of the model beside such a file.
//
// A tensor is called by its layer and by what it is there: "conv2d_1/kernel". Layers of
// models in models have those before them: "inception_v3/conv2d_1/kernel". Keras 3 calls
// layers by kind and count in its files; they have their own names where the file says
// these, which newer versions do, or the model's description.
//
// Package keras/model says what a description means.
//
// Sources: keras/src/legacy/saving, keras/src/saving/saving_lib.py.
package keras
