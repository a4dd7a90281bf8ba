package safetensors

import "runtime/debug"

// guardFaults runs read and turns a memory fault in it into an error: the
// pages of a mapped file go away when another process cuts the file short.
func guardFaults(file, tensor string, read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		// Only faults at a known address carry Addr; anything else is a bug here.
		if _, fault := r.(interface{ Addr() uintptr }); !fault {
			panic(r)
		}
		err = cutShort(file, tensor)
	}()
	return read()
}

func cutShort(file, tensor string) error {
	return mismatch(file, tensor, "the file's bytes as they were when it was opened",
		"that the file was cut short or its disk failed", "open the file again once it is whole")
}
