// Package splitmix has the numbers of splitmix64 (Steele, Lea, Flood 2014), of which
// each follows from the seed and its place alone.
package splitmix

// At returns number i, from 0, of the sequence that a seed begins: 64 bits each.
func At(seed, i uint64) uint64 {
	z := seed + (i+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
