//go:build mpi

package mpi

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/train/replica"
)

// A transport calls MPI from a thread of its own, as one that serves the threads that its
// library needs least from.
type transport struct {
	*library
	number, of int
	calls      chan func()
	close      sync.Once
}

// threadMultiple is what MPI is asked for: Abort is called while another thread waits.
const threadMultiple = 3

// Open connects this process with the others that mpirun has started, through the library of
// a path, or where that is empty the one of the MPI that has started it. A process that
// nothing has started is one replica.
func Open(path string) (replica.Transport, error) {
	l, err := load(path)
	if err != nil {
		return nil, err
	}
	t := &transport{library: l, calls: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for call := range t.calls {
			call()
		}
	}()
	if err := t.do(t.begin); err != nil {
		return nil, err
	}
	return t, nil
}

// do calls MPI from its thread.
func (t *transport) do(call func() error) (err error) {
	done := make(chan struct{})
	t.calls <- func() {
		defer close(done)
		err = call()
	}
	<-done
	return err
}

func (t *transport) begin() error {
	var provided, rank, size int32
	if err := t.check("MPI_Init_thread", t.initThread(0, 0, threadMultiple, &provided)); err != nil {
		return err
	}
	if err := errors.Join(
		t.check("MPI_Comm_set_errhandler", t.onError(t.world, t.returnErrors)),
		t.check("MPI_Comm_rank", t.rank(t.world, &rank)),
		t.check("MPI_Comm_size", t.size(t.world, &size)),
	); err != nil {
		return err
	}
	t.number, t.of = int(rank), int(size)
	for _, l := range launchers() {
		if n, err := strconv.Atoi(os.Getenv(l.variable)); err == nil && n != t.of {
			return fmt.Errorf("%s says that this process is one of %d (%s), and %s that it is one of %d: it is not the library of the mpirun that has started it; name that with the option library=PATH", l.variable, n, os.Getenv(l.variable), t.path, t.of)
		}
	}
	return nil
}

func (t *transport) Rank() int { return t.number }
func (t *transport) Size() int { return t.of }

func (t *transport) Exchange(send []byte, sendSizes []int, receive []byte, receiveSizes []int) error {
	sends, sendAt, err := places(len(send), sendSizes)
	if err != nil {
		return err
	}
	receives, receiveAt, err := places(len(receive), receiveSizes)
	if err != nil {
		return err
	}
	return t.do(func() error {
		defer runtime.KeepAlive(send)
		defer runtime.KeepAlive(receive)
		return t.check("MPI_Alltoallv", t.alltoallv(pointer(send), &sends[0], &sendAt[0], t.bytes, pointer(receive), &receives[0], &receiveAt[0], t.bytes, t.world))
	})
}

func (t *transport) Collect(own []byte, all []byte, sizes []int) error {
	counts, at, err := places(len(all), sizes)
	if err != nil {
		return err
	}
	return t.do(func() error {
		defer runtime.KeepAlive(own)
		defer runtime.KeepAlive(all)
		return t.check("MPI_Allgatherv", t.allgatherv(pointer(own), int32(len(own)), t.bytes, pointer(all), &counts[0], &at[0], t.bytes, t.world))
	})
}

func (t *transport) Broadcast(data []byte) error {
	if len(data) > math.MaxInt32 {
		return fmt.Errorf("expected at most 2^31 bytes at a time, found %d", len(data))
	}
	return t.do(func() error {
		defer runtime.KeepAlive(data)
		return t.check("MPI_Bcast", t.broadcast(pointer(data), int32(len(data)), t.bytes, 0, t.world))
	})
}

// Wait asks time and again, since MPI's own waiting takes a core.
func (t *transport) Wait() error {
	var request uintptr
	if err := t.do(func() error { return t.check("MPI_Ibarrier", t.barrierBegin(t.world, &request)) }); err != nil {
		return err
	}
	const shortest, longest = 50 * time.Microsecond, 5 * time.Millisecond
	for pause := shortest; ; pause = min(2*pause, longest) {
		if done, err := t.ended(&request); err != nil || done {
			return err
		}
		time.Sleep(pause)
	}
}

// Abort does not wait for MPI's thread, which may wait for another replica.
func (t *transport) Abort(code int) { t.abort(t.world, int32(code)) }

func (t *transport) Close() (err error) {
	t.close.Do(func() {
		err = t.do(func() error { return t.check("MPI_Finalize", t.finalize()) })
		close(t.calls)
	})
	return err
}

// places returns sizes and where they begin, in MPI's numbers.
func places(have int, sizes []int) (counts, at []int32, err error) {
	total := 0
	for _, size := range sizes {
		counts, at = append(counts, int32(size)), append(at, int32(total))
		total += size
	}
	if total != have || total > math.MaxInt32 {
		return nil, nil, fmt.Errorf("expected parts of %d bytes, and at most 2^31 at a time, found %d", have, total)
	}
	return counts, at, nil
}

// A collector collects by calls that MPI's thread begins and asks after, so that those of the
// transport go on in between: other replicas may need these first.
type collector struct {
	*transport
	world uintptr
}

func (t *transport) Beside() (replica.Collector, error) {
	c := &collector{transport: t}
	return c, t.do(func() error { return t.check("MPI_Comm_dup", t.duplicate(t.world, &c.world)) })
}

func (c *collector) Collect(own []byte, all []byte, sizes []int) error {
	counts, at, err := places(len(all), sizes)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(own)
	defer runtime.KeepAlive(all)
	var request uintptr
	if err := c.do(func() error {
		return c.check("MPI_Iallgatherv", c.gatherBegin(pointer(own), int32(len(own)), c.bytes, pointer(all), &counts[0], &at[0], c.bytes, c.world, &request))
	}); err != nil {
		return err
	}
	// Many layers of a step wait for it, so that it is asked for often at first.
	const often = 20
	for n := 0; ; n++ {
		done, err := c.ended(&request)
		if err != nil || done {
			return err
		}
		if n > often {
			time.Sleep(50 * time.Microsecond)
		}
	}
}

// ended reports whether a call has.
func (t *transport) ended(request *uintptr) (bool, error) {
	var done int32
	err := t.do(func() error {
		var status [64]byte // larger than any library's
		return t.check("MPI_Test", t.test(request, &done, unsafe.Pointer(&status)))
	})
	return done != 0, err
}

// pointer is where data begins; MPI takes any where there are none.
func pointer(data []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(data)) }
