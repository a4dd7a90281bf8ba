package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/explain"
	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// explainFlags are the flags of `explain`.
type explainFlags struct {
	classifier classifierFlags
	class      string
	method     string
	out        string

	// Of methods:
	layer          string
	window, stride int
	baseline       string
	steps, samples int
	noise          float64
	seed           uint64
}

func explainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain IMAGE|FOLDER|- ...",
		Short: "Show which parts of photographs speak for a class",
		Long: `Show which parts of photographs speak for a class, the most likely one unless --class
names another, by a --method:

` + explainMethodsText() + `
Gradients need float32, so methods other than cam and occlusion refuse weights that are
quantised.

Into the folder of --out go, for each photograph,

  NAME.png    what the network sees of it; the same in grey, red where it speaks for the
              class and blue where it speaks against it; and the scale of the colours
  NAME.npy    the map, an array of float32, [height, width]

and for all of them

  index.html  a page with the pictures, which needs no other file
  maps.jsonl  in a line for each photograph its class, logit and map; or its "error"

` + publicWeightsText,
		Example: `  inception explain cat.jpg
  inception explain --class "tabby, tabby cat" --out explained photos/
  inception explain --method grad-cam --layer Mixed_6e cat.jpg
  inception explain --method integrated-gradients --steps 128 cat.jpg`,
		Args: takesSeveral(takesPhotos),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.classifier.add(cmd)
	addLabels(cmd, &f.classifier.labels)
	f.addMethod(cmd)
	cmd.Flags().StringVar(&f.class, "class", "", "`class` to explain: its index, from 0, synset or name (default each photograph's most likely one)")
	cmd.Flags().StringVar(&f.out, "out", "explained", "`folder` to write into; made where it is not there")
	return cmd
}

// An explained photograph is a line of maps.jsonl.
type explained struct {
	predict.FileName
	Width  int `json:"width"`
	Height int `json:"height"`
	predict.Prediction
	// Parts are what the logit is the sum of, where the method tells.
	Parts   explain.Parts `json:"parts,omitempty"`
	Map     [][]float32   `json:"map"`
	Picture string        `json:"picture"`
	Array   string        `json:"array"`
}

func (f *explainFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if err := cmp.Or(f.classifier.checkClasses(), f.checkMethod(cmd)); err != nil {
		return err
	}
	method, err := f.findMethod(cmd)
	if err != nil {
		return err
	}
	files, incomplete, err := imageFiles(ctx, cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	classifier, weights, closeClassifier, err := f.open(cmd, method, len(files))
	if err != nil {
		return err
	}
	defer closeClassifier()
	class := explain.MostLikely
	if f.class != "" {
		if class, err = classOf(f.class, classifier); err != nil {
			return err
		}
	}
	explainer, err := f.explainer(cmd, method, classifier)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, 0o777); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	failed, at := 0, 0
	about := explain.About{Network: classifier.Network().Name(), Weights: weights, Photographs: len(files), Meaning: explainer.Meaning()}
	err = atomicfile.Write(filepath.Join(f.out, "maps.jsonl"), func(lines io.Writer) error {
		return explain.WritePage(filepath.Join(f.out, "index.html"), about, func(add func(explain.Entry) error) error {
			return explainer.Each(ctx, class, slices.Values(files), f.classifier.opener(classifier, cmd.InOrStdin()), func(e explain.Explanation) error {
				at++
				if e.Err != nil {
					failed++
					fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s: %s\n", printable.Line(e.Name), printable.UTF8(e.Err.Error()))
					err := json.NewEncoder(lines).Encode(e.Record(0))
					return cmp.Or(err, add(explain.Entry{Name: printable.UTF8(e.Name), Error: printable.UTF8(e.Err.Error())}))
				}
				x, entry, err := f.write(e, pictureName(at, len(files), e.Name))
				if err != nil {
					return err
				}
				residual := ""
				if share := e.Parts.Residual(); share > 0 {
					residual = fmt.Sprintf("  %.2f%% left over", 100*share)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %.2f%% %s%s  %s\n", printable.Line(e.Name), 100*x.Probability, x.Label, residual, printable.Line(filepath.Join(f.out, x.Picture)))
				if e.Parts.Incomplete() {
					fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s: %.1f%% of the difference of the logits is left over; more --steps leave less\n", printable.Line(e.Name), 100*e.Parts.Residual())
				}
				return cmp.Or(json.NewEncoder(lines).Encode(x), add(entry))
			})
		})
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), printable.Line(filepath.Join(f.out, "index.html")))
	return reportFailed(cmd.ErrOrStderr(), failed, len(files), incomplete)
}

// manyAtATime is how many copies of a photograph run through the network at a time, for methods
// that take many, unless --batch says otherwise.
const manyAtATime = 8

// open makes the classifier as a method needs it; nil is any.
func (f *explainFlags) open(cmd *cobra.Command, method *explainMethod, photos int) (*predict.Classifier, string, func(), error) {
	f.classifier.several = method == nil || method.gradients
	if method == nil {
		return f.classifier.open(cmd, photos)
	}
	if method.gradients && f.classifier.precision == string(predict.Auto) {
		f.classifier.precision = "" // the fastest one that has gradients is that of the weights
	}
	if method.many {
		if !cmd.Flags().Changed("batch") {
			f.classifier.batch = manyAtATime
		}
		photos *= f.classifier.batch // each is a batch, or several
	}
	return f.classifier.open(cmd, photos)
}

// explainer opens a method, and without one that which suits the network.
func (f *explainFlags) explainer(cmd *cobra.Command, method *explainMethod, c *predict.Classifier) (*explain.Explainer, error) {
	ctx := cmd.Context()
	if method != nil {
		e, err := explain.Open(ctx, c, method.method(f))
		if err != nil {
			return nil, fmt.Errorf("--method %s: %w", method.name, err)
		}
		return e, nil
	}
	exact := c.Network().CheckClassMaps()
	if exact == nil {
		return explain.Open(ctx, c, explain.ClassActivation{})
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "inception: explaining by grad-cam, as %v\n", exact)
	return explain.Open(ctx, c, explain.GradCAM{})
}

// write writes what belongs to one photograph.
func (f *explainFlags) write(e explain.Explanation, name string) (explained, explain.Entry, error) {
	fail := func(err error) (explained, explain.Entry, error) { return explained{}, explain.Entry{}, err }
	x := explained{FileName: predict.NameOf(e.Name), Width: e.Width, Height: e.Height, Prediction: e.Class, Parts: e.Parts, Picture: name + ".png", Array: name + ".npy"}
	for row := range slices.Chunk(e.Map.Values, e.Map.Width) {
		x.Map = append(x.Map, row)
	}
	picture, err := explain.Draw(e.Crop, e.Map)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", e.Name, err))
	}
	if err := atomicfile.WriteBytes(filepath.Join(f.out, x.Picture), picture.PNG); err != nil {
		return fail(err)
	}
	if err := features.WriteArray(filepath.Join(f.out, x.Array), []int{e.Map.Height, e.Map.Width}, e.Map.Values); err != nil {
		return fail(err)
	}
	return x, explain.Entry{
		Name: printable.UTF8(e.Name), Picture: picture, Class: e.Class.Label, Synset: e.Class.Synset,
		Probability: e.Class.Probability, Logit: float64(e.Class.Logit), Parts: e.Parts,
		Place: e.Place, Classes: len(e.Result.Logits),
	}, nil
}

// classOf finds the class that --class names.
func classOf(name string, classifier *predict.Classifier) (int, error) {
	labels, classes := classifier.Labels(), classifier.Network().Options().Classes
	if index, err := strconv.Atoi(name); err == nil {
		if index < 0 || index >= classes {
			return 0, usageError{fmt.Errorf("--class %d is not among the network's %d classes, which are 0 to %d", index, classes, classes-1)}
		}
		return index, nil
	}
	if labels == nil {
		return 0, usageError{fmt.Errorf("--class %q: the weights have no names of classes; give its index, from 0, or names with --labels", name)}
	}
	var found []int
	for i, l := range labels {
		synonyms := append(strings.Split(l.Name, ", "), l.Name, l.Synset)
		if slices.ContainsFunc(synonyms, func(s string) bool { return strings.EqualFold(s, name) }) {
			found = append(found, i)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return 0, usageError{fmt.Errorf("--class %q is the name of the classes %v; give an index", name, found)}
	}
	near := slices.DeleteFunc(slices.Clone(labels), func(l recipe.Label) bool { return !strings.Contains(strings.ToLower(l.Name), strings.ToLower(name)) })
	text := ""
	const most = 5
	for _, l := range near[:min(len(near), most)] {
		text += fmt.Sprintf(" %q", l.Name)
	}
	if text != "" {
		text = "; there are" + text
	}
	return 0, usageError{fmt.Errorf("--class %q is no class of the network%s", name, text)}
}

// pictureName is a photograph's own among all, and begins with its place.
func pictureName(at, all int, file string) string {
	base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	const longest = 80
	safe := []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, base))
	return fmt.Sprintf("%0*d-%s", len(strconv.Itoa(all)), at, string(safe[:min(len(safe), longest)]))
}
