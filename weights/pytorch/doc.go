// Package pytorch reads what torch.save writes: a pickle of Python objects that refer to
// the storages of tensors, in a zip archive or, before PyTorch 1.6, in a stream of pickles
// with the storages behind them.
//
// A pickle is a program. The machine that runs it here (machine.go) knows a list of names
// (names.go) and builds plain values from them; nothing is ever executed. A call of any
// other name is an error that says which; an object of another class is kept as a name
// with fields and not looked into, but for the parameters of a whole module.
//
// Tensors are those of the state dict in the file: the object itself, or the entry of it
// that holds tensors, where averages come before what they are averages of (dicts.go). The
// state of an optimiser is left out. A tensor is read when it is asked for.
//
// Sources: Python's pickletools; torch/serialization.py and torch/_utils.py of PyTorch.
package pytorch
