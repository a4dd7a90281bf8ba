package quantize

// LeastToChoose is how many photographs Choose should be given comparisons on. Of fewer, none
// may fall in another class by chance, and one is a loss.
const LeastToChoose = 50

// acceptable is the loss of top-1 accuracy, as a share, up to which the default ranges are
// taken.
const acceptable = 0.005

// A Trial is how a network compares that was quantised with some ranges.
type Trial struct {
	Ranges     Ranges      `json:"ranges"`
	Headroom   float64     `json:"headroom"`
	Comparison *Comparison `json:"comparison"`
}

// Choose returns the options with the ranges and headroom to take, by comparisons that try
// makes of networks quantised with the options it is given. The default ranges are taken
// where the loss of top-1 accuracy is at most half a point even at the upper end of its
// interval (Comparison.LostHigh): they are the best for photographs unlike those at hand, which no
// comparison shows. Otherwise tighter ones are tried, too, and those are taken whose
// probabilities are nearest by the Kullback-Leibler divergence; it depends less than counts
// of classes do on which photographs there are. All that were tried are returned, the default
// first. An error of try is returned as it is.
func Choose(o Options, try func(Options) (*Comparison, error)) (Options, []Trial, error) {
	var trials []Trial
	taken, least := o, 0.0
	for i, t := range []Trial{{Ranges: MSE, Headroom: DefaultHeadroom}, {Ranges: MSE, Headroom: 1.25}, {Ranges: MSE, Headroom: 1}, {Ranges: KL, Headroom: 1}} {
		o.Ranges, o.Percentile, o.Headroom = t.Ranges, 0, t.Headroom
		var err error
		if t.Comparison, err = try(o); err != nil {
			return o, trials, err
		}
		trials = append(trials, t)
		if i == 0 || t.Comparison.KL < least {
			taken, least = o, t.Comparison.KL
		}
		if i == 0 && t.Comparison.LostHigh <= acceptable {
			break
		}
	}
	return taken, trials, nil
}
