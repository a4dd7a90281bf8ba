package weights

import (
	"sync"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// A candidate is a network that a file may hold the weights of.
type candidate struct {
	network    *arch.Network
	parameters []arch.Parameter
}

// candidates are the networks as published: those with an auxiliary head first, since a
// file that has one matches without it too; and facenet's.
var candidates = sync.OnceValue(func() []candidate {
	var all []candidate
	add := func(name string, o arch.Options) {
		network, err := arch.New(name, o)
		if err != nil {
			return // it has no such head
		}
		parameters, err := network.Parameters()
		if err != nil {
			panic(err) // of a network as published
		}
		all = append(all, candidate{network, parameters})
	}
	for _, auxiliary := range []bool{true, false} {
		for _, name := range arch.Names() {
			add(name, arch.Options{AuxiliaryHead: auxiliary})
		}
	}
	add("inception_resnet_v1", arch.Facenet())
	add("inception_v3", arch.Options{MaxPoolLastBlock: true}) // which graphs alone tell
	return all
})

// withoutHead is a network that ends in its features.
func withoutHead(c candidate) (candidate, error) {
	o := c.network.Options()
	o.Head, o.Classes, o.AuxiliaryHead = headless, 0, false
	network, err := arch.New(c.network.Name(), o)
	if err != nil {
		return c, err
	}
	parameters, err := network.Parameters()
	return candidate{network, parameters}, err
}
