package reproduce

import (
	"fmt"
	"strings"

	"github.com/seed-fb2c0fa6/inception/score"
)

// A Claim is one statement of the paper.
type Claim int

const (
	// Residual: residual connections speed up training (sections 1 and 5).
	Residual Claim = iota
	// Scaling: scaling the residuals stabilises large networks (section 3.3).
	Scaling
	// Averaging: the running average of the parameters is better than the parameters
	// (section 4).
	Averaging
	// Crops: more crops and more networks are better (section 5, tables 2 to 5).
	Crops
)

// claimText is what the paper says of a claim.
type claimText struct {
	name, title, paper string
}

func (c Claim) text() claimText {
	return []claimText{
		{"residual", "Residual connections speed up training",
			"Training with residual connections accelerates the training of Inception networks significantly; the final quality of networks of about the same cost differs little (sections 1 and 5, figures 21 to 26)."},
		{"scaling", "Scaled residuals keep large networks alive",
			"With more than about 1000 filters, residual networks become unstable and die early in training: the last layer before the average pooling produces only zeros. Neither lower learning rates nor a warm-up prevents it; scaling the residuals by 0.1 to 0.3 before they are added does (section 3.3)."},
		{"averaging", "Averaged parameters are better",
			"Models are evaluated with a running average of their parameters (section 4)."},
		{"crops", "Crops and ensembles are better",
			"The errors fall from the single crop to 12 crops, to 144 crops, and to ensembles (tables 2 to 5)."},
	}[c]
}

// String returns the name: residual, scaling, averaging or crops.
func (c Claim) String() string { return c.text().name }

// Claims returns all claims.
func Claims() []Claim { return []Claim{Residual, Scaling, Averaging, Crops} }

// ParseClaims returns the claims of a name, or all of "all"; the error for another lists
// them.
func ParseClaims(name string) ([]Claim, error) {
	if name == "all" {
		return Claims(), nil
	}
	var known []string
	for _, c := range Claims() {
		if c.String() == name {
			return []Claim{c}, nil
		}
		known = append(known, c.String())
	}
	return nil, fmt.Errorf("unknown claim %q, expected all or one of %s", name, strings.Join(known, ", "))
}

// A Verdict is what measurements say of a claim.
type Verdict int

const (
	// Undecided: the interval of the difference has both signs.
	Undecided Verdict = iota
	// Held: the whole interval is on the claim's side.
	Held
	// Contradicted: the whole interval is on the other side.
	Contradicted
)

func (v Verdict) String() string {
	return []string{"not shown: the interval includes no difference", "held", "did not hold: the difference is the other way"}[v]
}

// A Comparison is one measurement for a claim: the mean of a paired difference over the
// seeds, of which positive values are the claim's.
type Comparison struct {
	What string
	// Unit is that of the difference.
	Unit       string
	Difference score.Estimate
	// Aside is measured beside the claim, and does not decide whether it held.
	Aside bool
}

// Verdict tells from the difference's interval.
func (c Comparison) Verdict() Verdict {
	switch d := c.Difference; {
	case d.Low > 0:
		return Held
	case d.High < 0:
		return Contradicted
	}
	return Undecided
}
