package predict

import "time"

// Took has a Batcher believe that its last batch of a size took so long.
func (b *Batcher) Took(size int, time time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.took[size] = time
}
