package run

// streams let programs run side by side, each on threads of its own: for many images that is
// faster than all threads in one program, which wait for each other after every operation.
type streams struct {
	all  []*Machine
	idle chan *Machine // those in which no program runs
}

// Divide gives the machine a number of threads, and divides them among streams: as many programs
// run at a time, others wait. What is computed is the same as in one stream.
func (m *Machine) Divide(threads, number int) {
	m.Workers, m.total, m.shelf = NewWorkers(threads/number), threads, &shelf{}
	if number == 1 {
		return
	}
	s := &streams{idle: make(chan *Machine, number)}
	for i := range number {
		part := *m
		if i > 0 {
			part.Workers = NewWorkers(threads / number)
		}
		s.all = append(s.all, &part)
		s.idle <- &part
	}
	m.streams = s
}

// Streams is how many programs run side by side.
func (m *Machine) Streams() int {
	if m.streams == nil {
		return 1
	}
	return len(m.streams.all)
}

// Total is the number of threads of all streams, by which algorithms are chosen whose results
// differ in the last digits.
func (m *Machine) Total() int { return max(m.total, m.Threads) }

// enter returns what a program runs on, and waits for it where all streams are in use. Without
// streams, programs that run at the same time share the threads.
func (m *Machine) enter() *Machine {
	if m.streams == nil {
		return m
	}
	return <-m.streams.idle
}

// leave gives back what enter has returned.
func (m *Machine) leave(part *Machine) {
	if m.streams != nil {
		m.streams.idle <- part
	}
}

// Close ends the threads.
func (m *Machine) Close() {
	if m.streams == nil {
		m.Workers.Close()
		return
	}
	for _, part := range m.streams.all {
		part.Workers.Close()
	}
}
