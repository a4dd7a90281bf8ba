package splitmix

import "testing"

// TestAt compares with splitmix64.c of Sebastiano Vigna, https://prng.di.unimi.it.
func TestAt(t *testing.T) {
	for seed, want := range map[uint64][]uint64{
		0:       {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f},
		1234567: {6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821},
	} {
		for i, w := range want {
			if got := At(seed, uint64(i)); got != w {
				t.Errorf("number %d of seed %d is %d, want %d", i, seed, got, w)
			}
		}
	}
}
