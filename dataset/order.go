package dataset

import "math/rand/v2"

// Order returns the indexes of all images in an order that follows from the seed and
// the epoch, from 0: a permutation of 0 to Len()-1, another one every epoch.
func (s *Set) Order(seed uint64, epoch int) []int {
	return rand.New(randomSource(seed, epoch, uint64(len(s.items)))).Perm(len(s.items))
}

// randomSource is the source of randomness for one purpose in an epoch: that of an
// image, by its key, is its own, whichever image comes before it.
func randomSource(seed uint64, epoch int, key uint64) *rand.PCG {
	return rand.NewPCG(mix(seed+mix(uint64(epoch))), mix(key))
}

// mix is the finaliser of splitmix64: sources of neighbouring seeds are not alike.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
