package replica

import (
	"errors"
	"slices"
	"sync"
)

// Local returns the transports of replicas that are goroutines of this process, by rank.
func Local(size int) []Transport {
	m := newMeeting(size)
	all := make([]Transport, size)
	for r := range all {
		all[r] = &local{rank: r, meeting: m}
	}
	return all
}

// A meeting is where goroutines exchange what they have come with.
type meeting struct {
	mutex   sync.Mutex
	cond    *sync.Cond
	given   [][]byte // in this round, by rank
	all     [][]byte // of the last
	count   int
	round   int
	aborted bool
	beside  []*meeting
}

func newMeeting(size int) *meeting {
	m := &meeting{given: make([][]byte, size)}
	m.cond = sync.NewCond(&m.mutex)
	return m
}

type local struct {
	rank  int
	asked int // how many are beside
	*meeting
}

var errAborted = errors.New("another replica has ended the training")

// meet returns what all have come with.
func (l *local) meet(own []byte) ([][]byte, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	round := l.round
	l.given[l.rank] = slices.Clone(own)
	if l.count++; l.count == len(l.given) {
		l.all, l.given, l.count = l.given, make([][]byte, len(l.given)), 0
		l.round++
		l.cond.Broadcast()
	}
	for l.round == round && !l.aborted {
		l.cond.Wait()
	}
	if l.aborted {
		return nil, errAborted
	}
	return l.all, nil
}

func (l *local) Rank() int { return l.rank }
func (l *local) Size() int { return len(l.given) }

func (l *local) Exchange(send []byte, sendSizes []int, receive []byte, receiveSizes []int) error {
	all, err := l.meet(send)
	if err != nil {
		return err
	}
	// Every replica has the same sizes to send.
	first := 0
	for _, size := range sendSizes[:l.rank] {
		first += size
	}
	for r, size := range receiveSizes {
		copy(receive[:size], all[r][first:])
		receive = receive[size:]
	}
	return nil
}

func (l *local) Collect(own []byte, all []byte, sizes []int) error {
	given, err := l.meet(own)
	if err != nil {
		return err
	}
	copy(all, slices.Concat(given...))
	return nil
}

func (l *local) Broadcast(data []byte) error {
	all, err := l.meet(data)
	if err != nil {
		return err
	}
	copy(data, all[0])
	return nil
}

func (l *local) Wait() error {
	_, err := l.meet(nil)
	return err
}

func (l *local) Beside() (Collector, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.asked == len(l.beside) {
		m := newMeeting(len(l.given))
		m.aborted = l.aborted
		l.beside = append(l.beside, m)
	}
	l.asked++
	return &local{rank: l.rank, meeting: l.beside[l.asked-1]}, nil
}

func (l *local) Abort(int) { l.abort() }

func (m *meeting) abort() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.aborted = true
	m.cond.Broadcast()
	for _, other := range m.beside {
		other.abort()
	}
}

func (l *local) Close() error { return nil }
