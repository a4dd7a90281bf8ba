//go:build mpi

package mpi

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// A library is MPI's functions, and how it represents what they take: MPICH's handles are
// integers, Open MPI's the addresses of its symbols.
type library struct {
	path string
	handles

	initThread   func(argc, argv uintptr, required int32, provided *int32) int32
	finalize     func() int32
	abort        func(comm uintptr, code int32) int32
	rank         func(comm uintptr, rank *int32) int32
	size         func(comm uintptr, size *int32) int32
	onError      func(comm, handler uintptr) int32
	errorString  func(code int32, text *byte, length *int32) int32
	alltoallv    func(send unsafe.Pointer, sendCounts, sendAt *int32, sendType uintptr, receive unsafe.Pointer, receiveCounts, receiveAt *int32, receiveType, comm uintptr) int32
	allgatherv   func(send unsafe.Pointer, sendCount int32, sendType uintptr, receive unsafe.Pointer, receiveCounts, receiveAt *int32, receiveType, comm uintptr) int32
	broadcast    func(data unsafe.Pointer, count int32, dataType uintptr, root int32, comm uintptr) int32
	barrierBegin func(comm uintptr, request *uintptr) int32
	gatherBegin  func(send unsafe.Pointer, sendCount int32, sendType uintptr, receive unsafe.Pointer, receiveCounts, receiveAt *int32, receiveType, comm uintptr, request *uintptr) int32
	duplicate    func(comm uintptr, made *uintptr) int32
	test         func(request *uintptr, done *int32, status unsafe.Pointer) int32
}

type handles struct{ world, bytes, returnErrors uintptr }

// mpich are the handles of MPICH's binary interface.
var mpich = handles{world: 0x44000000, bytes: 0x4c00010d, returnErrors: 0x54000001}

// openMPI finds those of Open MPI.
func openMPI(lib uintptr) (h handles, err error) {
	for name, to := range map[string]*uintptr{"ompi_mpi_comm_world": &h.world, "ompi_mpi_byte": &h.bytes, "ompi_mpi_errors_return": &h.returnErrors} {
		if *to, err = purego.Dlsym(lib, name); err != nil {
			return h, err
		}
	}
	return h, nil
}

// A launcher is who has started this process, by the variable with the number of processes.
type launcher struct {
	variable  string
	libraries []string // which it starts programs of
}

func launchers() []launcher {
	open := []string{"libmpi.so.40", "libmpi.so.80", "libmpi.so"}
	other := []string{"libmpi.so.12", "libmpich.so.12", "libmpich.so", "libmpi.so"}
	if runtime.GOOS == "darwin" {
		open, other = []string{"libmpi.40.dylib", "libmpi.dylib"}, []string{"libmpi.12.dylib", "libmpich.dylib"}
	}
	return []launcher{
		{"OMPI_COMM_WORLD_SIZE", open},
		{"PMI_SIZE", other},
		{"", append(other, open...)},
	}
}

// install says what to do about a library that is not there, or is not MPI's.
const install = "install MPICH (Debian: apt-get install mpich) or Open MPI (openmpi-bin), whose mpirun finds its own, or name libmpi.so with the option library=PATH"

// load opens the library of a path, or that of what has started this process.
func load(path string) (*library, error) {
	names := []string{path}
	if path == "" {
		for _, l := range launchers() {
			if l.variable == "" || os.Getenv(l.variable) != "" {
				names = l.libraries
				break
			}
		}
	}
	var failures []error
	for _, name := range names {
		lib, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL) // Open MPI's own plug-ins look for its symbols
		if err != nil {
			failures = append(failures, err)
			continue
		}
		return bind(name, lib)
	}
	return nil, fmt.Errorf("expected MPI's library, %s, found none; %s: %w", strings.Join(names, " or "), install, errors.Join(failures...))
}

func bind(path string, lib uintptr) (l *library, err error) {
	defer func() {
		if v := recover(); v != nil { // of a symbol that is not there
			err = fmt.Errorf("%s is no library of MPI 3: %v; %s", path, v, install)
		}
	}()
	l = &library{path: path, handles: mpich}
	if _, err := purego.Dlsym(lib, "ompi_mpi_comm_world"); err == nil {
		if l.handles, err = openMPI(lib); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		to   any
		name string
	}{
		{&l.initThread, "MPI_Init_thread"}, {&l.finalize, "MPI_Finalize"}, {&l.abort, "MPI_Abort"},
		{&l.rank, "MPI_Comm_rank"}, {&l.size, "MPI_Comm_size"},
		{&l.onError, "MPI_Comm_set_errhandler"}, {&l.errorString, "MPI_Error_string"},
		{&l.alltoallv, "MPI_Alltoallv"}, {&l.allgatherv, "MPI_Allgatherv"}, {&l.broadcast, "MPI_Bcast"},
		{&l.barrierBegin, "MPI_Ibarrier"}, {&l.test, "MPI_Test"},
		{&l.gatherBegin, "MPI_Iallgatherv"}, {&l.duplicate, "MPI_Comm_dup"},
	} {
		purego.RegisterLibFunc(f.to, lib, f.name)
	}
	return l, nil
}

// check returns the error of a code that a function has returned.
func (l *library) check(function string, code int32) error {
	if code == 0 {
		return nil
	}
	text := make([]byte, 4096)
	var length int32
	if l.errorString(code, &text[0], &length) != 0 || length <= 0 || int(length) > len(text) {
		return fmt.Errorf("%s of %s: error %d", function, l.path, code)
	}
	return fmt.Errorf("%s of %s: %s", function, l.path, text[:length])
}
