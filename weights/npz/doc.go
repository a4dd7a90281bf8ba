// Package npz reads and writes numpy's .npz files: zip archives with one .npy entry for
// each array, stored or deflated. An entry is a magic number, a version, the length of a
// header, the header, which is a Python literal such as
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }
//
// and the elements. Metadata are the arrays of no axes that hold text: numpy.load opens
// all that is written here with allow_pickle=False.
//
// The reader trusts nothing in a file: entries are checked against their headers when
// the file is opened, their checksums when they are read, and what breaks the format is
// refused with an error that names the file, the entry, what was expected and what was
// found. Python objects are refused; nothing is unpickled.
//
// Source: numpy/lib/format.py and https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
package npz
