package weights

import "github.com/seed-fb2c0fa6/inception/arch"

type topology struct{}

func (t *topology) match(path string, parameters []arch.Parameter) ([]Tensor, error) { return nil, nil }
