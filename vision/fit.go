package vision

import "fmt"

// A Fit is how a photograph's proportions are brought to a network's square.
type Fit string

const (
	// FitCenter resizes the shorter side and keeps the central square: also when empty.
	FitCenter Fit = "center"
	// FitSquash resizes both sides, whatever the proportions are, as Keras'
	// load_img(target_size=...) and timm's crop mode "squash" do.
	FitSquash Fit = "squash"
	// FitBorder resizes the longer side and fills what is left of the square with the mean
	// colour, as timm's crop mode "border" does.
	FitBorder Fit = "border"
)

// ParseFit returns the fit of the given name; the error for another lists those that there
// are.
func ParseFit(name string) (Fit, error) {
	f := Fit(name)
	return f, f.check()
}

func (f Fit) check() error {
	switch f {
	case "", FitCenter, FitSquash, FitBorder:
		return nil
	}
	return fmt.Errorf("unknown way to fit photographs into a square, %q; expected %s, %s or %s", string(f), FitCenter, FitSquash, FitBorder)
}
