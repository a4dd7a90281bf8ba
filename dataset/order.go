package dataset

import (
	"math/rand/v2"

	"github.com/seed-fb2c0fa6/inception/internal/splitmix"
)

// Order returns the indexes of all images in an order that follows from the seed and
// the epoch, from 0: a permutation of 0 to Len()-1, another one every epoch.
func (s *Set) Order(seed uint64, epoch int) []int {
	return rand.New(randomSource(seed, epoch, uint64(len(s.items)))).Perm(len(s.items))
}

// randomSource is the source of randomness for one purpose in an epoch: that of an
// image, by its key, is its own, whichever image comes before it. Sources of neighbouring
// seeds are not alike.
func randomSource(seed uint64, epoch int, key uint64) *rand.PCG {
	return rand.NewPCG(splitmix.At(seed+splitmix.At(uint64(epoch), 0), 0), splitmix.At(key, 0))
}
