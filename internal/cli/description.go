package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/seed-fb2c0fa6/inception/arch"
)

func describeTable(out io.Writer, d *arch.Description) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "LAYER\tOPERATION\tOUTPUT\t%10s\t%14s\n", "PARAMETERS", "MULTIPLY-ADDS")
	for _, l := range d.Layers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%10s\t%14s\n", withoutScope(l.Name), l.Label(), shapeText(l.Output), count(l.Parameters), count(l.MultiplyAdds))
	}
	fmt.Fprintf(w, "%s\t%d layers\t\t%10s\t%14s\n", d.Network, len(d.Layers), count(d.Parameters), count(d.MultiplyAdds))
	return w.Flush()
}

func describeCSV(out io.Writer, d *arch.Description) error {
	w := csv.NewWriter(out)
	w.Write([]string{"name", "kind", "kernel_height", "kernel_width", "stride", "padding", "activation", "output", "parameters", "multiply_adds"})
	for _, l := range d.Layers {
		w.Write([]string{
			l.Name, l.Kind, strconv.Itoa(l.Kernel[0]), strconv.Itoa(l.Kernel[1]), strconv.Itoa(l.Stride), l.Padding, l.Activation,
			shapeText(l.Output), strconv.FormatInt(l.Parameters, 10), strconv.FormatInt(l.MultiplyAdds, 10),
		})
	}
	w.Flush()
	return w.Error()
}

// describeDot draws the modules as boxes around their layers.
func describeDot(out io.Writer, d *arch.Description) error {
	var s strings.Builder
	fmt.Fprintf(&s, "digraph %q {\n\tnode [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=10];\n", d.Network)
	fmt.Fprintf(&s, "\timages [label=\"images\\n%d x %d x 3\"];\n", d.Height, d.Width)
	module := ""
	for i, l := range d.Layers {
		if m := moduleOf(l.Name); m != module {
			if module != "" {
				s.WriteString("\t}\n")
			}
			if module = m; module != "" {
				fmt.Fprintf(&s, "\tsubgraph \"cluster_%s\" {\n\tlabel=%q; style=filled; color=gray92; fontname=\"Helvetica\";\n", module, module)
			}
		}
		fmt.Fprintf(&s, "\tn%d [label=\"%s\\n%s\"];\n", i, l.Label(), shapeText(l.Output))
	}
	if module != "" {
		s.WriteString("\t}\n")
	}
	for i, l := range d.Layers {
		for _, from := range l.Inputs {
			if from < 0 {
				fmt.Fprintf(&s, "\timages -> n%d;\n", i)
			} else {
				fmt.Fprintf(&s, "\tn%d -> n%d;\n", from, i)
			}
		}
	}
	s.WriteString("}\n")
	_, err := io.WriteString(out, s.String())
	return err
}

// moduleOf is the part of a layer's name between the network's scope and the
// branch: "Mixed_5b" or "Repeat/block35_1"; empty for a layer of its own.
func moduleOf(name string) string {
	name = withoutScope(name)
	if i := strings.Index(name, "/Branch_"); i >= 0 {
		return name[:i]
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return ""
}

func withoutScope(name string) string {
	_, rest, _ := strings.Cut(name, "/")
	return rest
}
