package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/predict"
)

// inTraining are the precisions that networks are trained in.
func inTraining() []arch.Precision { return []arch.Precision{arch.Float32, arch.BFloat16} }

// precisionText says what a precision is for.
var precisionText = map[arch.Precision]string{
	arch.Float32:  "float32",
	arch.BFloat16: "bfloat16, which is faster on GPUs and with AMX, and in classification with AVX512-BF16",
	arch.Int8:     "int8, for weights that inception quantize has made",
	predict.Auto:  "auto, the fastest that keeps the accuracy of the weights",
}

// precisionOfWeights is the default of the verbs that have weights.
const precisionOfWeights = " (default that of the weights: float32, or int8 where they are quantised)"

// addPrecision adds the flag for the given precisions. The default is empty, or one of them.
func addPrecision(cmd *cobra.Command, to *string, all []arch.Precision, otherwise arch.Precision) {
	var text []string
	for _, p := range all {
		text = append(text, precisionText[p])
	}
	last := len(text) - 1
	cmd.Flags().StringVar(to, "precision", string(otherwise), "how exactly the network computes: "+strings.Join(text[:last], "; ")+"; or "+text[last])
}

func checkPrecision(name string, all []arch.Precision) error {
	if name != "" && !slices.Contains(all, arch.Precision(name)) {
		return usageError{fmt.Errorf("--precision must be one of %v, found %q", all, name)}
	}
	return nil
}

// sayPrecision says in which precision weights are computed that --precision did not name,
// unless that is the default's.
func sayPrecision(stderr io.Writer, asked string, used arch.Precision, weights string) {
	why := map[arch.Precision]string{
		arch.Float32:  "as nothing else is faster here",
		arch.BFloat16: "which is faster than float32 here",
		arch.Int8:     "which its weights are quantised to",
	}
	if asked == string(predict.Auto) || asked == "" && used == arch.Int8 {
		fmt.Fprintf(stderr, "inception: computing %s in %s, %s\n", weights, used, why[used])
	}
}
