package weights

import (
	"context"
	"errors"
	"fmt"
)

// Convert rewrites the file of weights at in as one at out, in the format that the ending of
// its name tells, as Write does, in a layout, or in the format's own where to is empty. It
// writes what is known of the weights into the metadata: the network, the card that the hint
// gives or that is found, and the labels. It returns what it wrote, with all that is left of
// the file. Parameters stay bit for bit, but those in float64.
func Convert(ctx context.Context, in, out string, to Layout, hint Hint) (_ *Identified, err error) {
	if to, err = CheckOutput(out, to); err != nil {
		return nil, err
	}
	checkpoint, err := Open(in)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, checkpoint.Close()) }()
	if err := CheckOver(in, formats().named(out).files(out)...); err != nil {
		return nil, err
	}
	identified, err := checkpoint.Identified(ctx, hint)
	if err != nil {
		return nil, err
	}
	l, err := to.row()
	if err != nil {
		return nil, err
	}
	identified.leaveAuxiliary(l)
	return identified, Write(out, to, identified.Metadata, identified.Sources)
}

// leaveAuxiliary leaves the auxiliary head out where a layout has none.
func (i *Identified) leaveAuxiliary(l layout) {
	if !i.Metadata.Options.AuxiliaryHead || l.auxiliaryOf(i.Network.Name()) {
		return
	}
	i.WithoutAuxiliary(fmt.Sprintf("the auxiliary head is left out, as the layout %s has none of %s", l.name, i.Network.Name()))
}
