package replica

// A Transport moves bytes between replicas. All of them call its methods in the same order,
// with sizes that agree, each from one goroutine at a time; they return when the caller's
// part is done.
type Transport interface {
	// Rank is the number of this replica, from 0, of Size.
	Rank() int
	Size() int
	// Exchange sends each replica its part of send, which has the parts in the order of the
	// ranks, and receives theirs for this one in the same order. Sizes are in bytes.
	Exchange(send []byte, sendSizes []int, receive []byte, receiveSizes []int) error
	// Collect fills all with what each replica has, in the order of the ranks.
	Collect(own []byte, all []byte, sizes []int) error
	// Broadcast replaces data by the first replica's.
	Broadcast(data []byte) error
	// Wait returns when all replicas have called it. It may take long, and does not keep a
	// core busy.
	Wait() error
	// Beside returns another way to collect from the same replicas, whose calls have an order of
	// their own: they may be made while others of this transport are under way.
	Beside() (Collector, error)
	// Abort ends all replicas, from any goroutine; where they are processes, with this exit
	// code.
	Abort(code int)
	// Close ends the connection once all replicas are done.
	Close() error
}

// A Collector is the part of a Transport that collects what is small.
type Collector interface {
	Rank() int
	Size() int
	Collect(own []byte, all []byte, sizes []int) error
}
