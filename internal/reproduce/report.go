package reproduce

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

//go:embed report.html.tmpl
var page string

// A section is a claim as the report shows it: in HTML and in Markdown alike.
type section struct {
	Name, Title, Paper string
	Verdict            string
	Held               bool
	Tables             []table
	Figures            []drawing
}

// A table has a title and cells, of which the first row is the head.
type table struct {
	Title string
	Head  []string
	Rows  [][]string
}

// A drawing is a figure's SVG and the file that holds it.
type drawing struct {
	Title, File string
	SVG         template.HTML
}

// A document is the whole report.
type document struct {
	Summary, Setup table
	Sections       []section
}

// WriteReport writes report.html, which needs no other file, and report.md with its
// figures as SVG files into a folder.
func (r *Result) WriteReport(folder string) error {
	d, err := r.document()
	if err != nil {
		return err
	}
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := t.Execute(&html, d); err != nil {
		return err
	}
	files := map[string][]byte{"report.html": html.Bytes(), "report.md": []byte(d.markdown())}
	for _, s := range d.Sections {
		for _, f := range s.Figures {
			files[f.File] = []byte(f.SVG)
		}
	}
	for name, data := range files {
		if err := atomicfile.WriteBytes(filepath.Join(folder, name), data); err != nil {
			return err
		}
	}
	return nil
}

func (r *Result) document() (*document, error) {
	d := &document{
		Summary: table{Title: "What was shown", Head: []string{"claim", "verdict"}},
		Setup: table{Title: "Setup", Head: []string{"what", "value"}, Rows: [][]string{
			{"backend", r.Backend},
			{"data", fmt.Sprintf("%s: %d images of %d classes to train on, split %q; errors on %d images of split %q", filepath.Base(r.Config.Data), r.Images, len(r.Classes), r.Config.Train, r.Config.Images, r.Config.Test)},
			{"input", fmt.Sprintf("%d x %d pixels, batches of %d", inputSize, inputSize, batchSize)},
			{"seeds", fmt.Sprint(r.Config.Seeds)},
			{"time", fmt.Sprintf("%s of a budget of %s", short(r.Time), short(r.Budget))},
		}},
	}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		s, err := f.section()
		if err != nil {
			return nil, err
		}
		d.Sections = append(d.Sections, s)
		d.Summary.Rows = append(d.Summary.Rows, []string{s.Title, s.Verdict})
		for _, stage := range stages() {
			a, ok := f.Settled[stage.name]
			if !ok || seen[stage.name] {
				continue
			}
			seen[stage.name] = true
			text := fmt.Sprintf("%s of a budget of %s", short(a.Spent), short(a.Budget))
			if a.Steps > 0 {
				text += fmt.Sprintf("; trainings of %d steps in %s, predicted to take %s", a.Steps, a.Precision, short(a.Predicted))
			}
			d.Setup.Rows = append(d.Setup.Rows, []string{"stage " + stage.name, text})
		}
	}
	return d, nil
}

func (f Finding) section() (section, error) {
	text := f.Claim.text()
	s := section{Name: text.name, Title: text.title, Paper: text.paper, Verdict: f.Verdict(), Held: f.held() && len(f.Missing) == 0}
	if len(f.Comparisons) > 0 {
		comparisons := table{Title: "Paired differences, with 95% intervals (Student's t); positive is the claim's side", Head: []string{"difference", "mean", "95% interval", "pairs", "verdict"}}
		for _, c := range f.Comparisons {
			verdict := c.Verdict().String()
			if c.Aside {
				verdict = "measured beside the claim"
			}
			comparisons.Rows = append(comparisons.Rows, []string{c.What, fmt.Sprintf("%.2f %s", c.Difference.Mean, c.Unit), intervalText(c.Difference), fmt.Sprint(c.Difference.N), verdict})
		}
		s.Tables = append(s.Tables, comparisons)
	}
	switch {
	case f.Claim == Crops:
		s.Tables = append(s.Tables, f.cropTables()...)
	case len(f.Trials) == 0:
	case f.Claim == Scaling:
		s.Tables = append(s.Tables, f.scalingTable())
		if recipes := f.recipeTable(); len(recipes.Rows) > 0 {
			s.Tables = append(s.Tables, recipes)
		}
	default:
		s.Tables = append(s.Tables, f.trialTable())
	}
	for _, c := range f.charts() {
		if c.empty() {
			continue
		}
		svg, err := c.draw()
		if err != nil {
			return s, err
		}
		// Within a page an SVG begins with its element.
		if at := bytes.Index(svg, []byte("<svg")); at > 0 {
			svg = svg[at:]
		}
		s.Figures = append(s.Figures, drawing{c.title, fmt.Sprintf("%s-%s.svg", text.name, c.file), template.HTML(svg)})
	}
	return s, nil
}

// counts is how many of the differences that decide have each verdict, and how many there are.
func (f Finding) counts() (by map[Verdict]int, all int) {
	by = map[Verdict]int{}
	for _, c := range f.Comparisons {
		if !c.Aside {
			by[c.Verdict()]++
			all++
		}
	}
	return by, all
}

func (f Finding) held() bool {
	by, all := f.counts()
	return all > 0 && by[Held] == all
}

// Verdict sums the comparisons up, without calling anything held that was not shown.
func (f Finding) Verdict() string {
	missing := strings.Join(f.Missing, "; ")
	by, n := f.counts()
	var verdict string
	switch {
	case n == 0:
		return "Not run: " + missing + "."
	case by[Held] == n:
		verdict = "The claim held."
	case by[Contradicted] == n:
		verdict = "The claim did not hold: all differences are the other way."
	case by[Held] == 0 && by[Contradicted] == 0:
		verdict = "The claim was not shown at this scale: no interval excludes that there is no difference."
	default:
		verdict = fmt.Sprintf("The claim held in part: %d of %d differences held, %d were the other way, %d not shown.", by[Held], n, by[Contradicted], by[Undecided])
	}
	if missing != "" {
		verdict += " Not all was run: " + missing + "."
	}
	return verdict
}

func intervalText(e score.Estimate) string {
	if math.IsInf(e.Low, 0) {
		return "none: one pair"
	}
	return fmt.Sprintf("%.2f to %.2f", e.Low, e.High)
}

func errorText(e score.Errors) string {
	return fmt.Sprintf("%.1f%% (%.1f%% to %.1f%%)", 100*e.Rate, 100*e.Low, 100*e.High)
}

func (f Finding) trialTable() table {
	t := table{
		Title: "Trainings at their end; errors with 95% intervals (Wilson)",
		Head:  []string{"network", "width", "seed", "multiply-adds", "parameters", "steps", "top-1 error", "top-5 error", "top-1 error, parameters not averaged", "mean before pooling", "time"},
	}
	for _, trial := range f.Trials {
		row := []string{trial.Arm.Name, fmt.Sprint(trial.Arm.Width), fmt.Sprint(trial.Seed), fmt.Sprintf("%.1f M", float64(trial.Arm.MultiplyAdds)/1e6), fmt.Sprintf("%.2f M", float64(trial.Arm.Parameters)/1e6)}
		if trial.Failure != "" {
			row = append(row, fmt.Sprintf("failed after %d of %d measurements", len(trial.Points), points), "", "", "", "")
		} else {
			p := trial.last()
			row = append(row, fmt.Sprint(p.Step), errorText(p.Top1), errorText(p.Top5), errorText(p.RawTop1), fmt.Sprintf("%.3g", p.Activation))
		}
		t.Rows = append(t.Rows, append(row, trial.Time.Round(time.Second).String()))
	}
	return t
}

// paperErrors are the top-1 and top-5 errors of tables 2 to 4, in percent.
var paperErrors = map[vision.Crops]map[string]string{
	vision.Crops1:   {"Inception-v3": "21.2% / 5.6%", "Inception-ResNet-v1": "21.3% / 5.5%", "Inception-v4": "20.0% / 5.0%", "Inception-ResNet-v2": "19.9% / 4.9%"},
	vision.Crops12:  {"Inception-v3": "19.8% / 4.6%", "Inception-ResNet-v1": "19.8% / 4.6%", "Inception-v4": "18.7% / 4.2%", "Inception-ResNet-v2": "18.7% / 4.1%"},
	vision.Crops144: {"Inception-v3": "18.9% / 4.3%", "Inception-ResNet-v1": "18.8% / 4.3%", "Inception-v4": "17.7% / 3.8%", "Inception-ResNet-v2": "17.8% / 3.7%"},
}

// cropTables are tables 2 to 5: single networks by crops, and ensembles.
func (f Finding) cropTables() []table {
	var all []table
	for i, crops := range []vision.Crops{vision.Crops1, vision.Crops12, vision.Crops144} {
		t := table{
			Title: fmt.Sprintf("As table %d: single networks, crops: %d. Means over the seeds with 95%% intervals, on %d images; the paper's errors are ImageNet's", 2+i, crops, cropImages),
			Head:  []string{"network", "seeds", "top-1 error", "top-5 error", "paper, top-1 / top-5"},
		}
		for _, e := range f.Crops {
			if e.Crops != crops || !e.ofOne() {
				continue
			}
			var top1, top5 []float64
			for _, m := range e.Members {
				top1, top5 = append(top1, 100*m.Top1.Rate), append(top5, 100*m.Top5.Rate)
			}
			t.Rows = append(t.Rows, []string{e.Networks[0], fmt.Sprint(len(e.Members)), estimateText(top1, "%.1f%%"), estimateText(top5, "%.1f%%"), paperErrors[crops][e.Networks[0]]})
		}
		if len(t.Rows) > 0 {
			all = append(all, t)
		}
	}
	t := table{
		Title: fmt.Sprintf("As table 5: ensembles, with 95%% intervals (Wilson), on %d images; the paper's best, 1 Inception-v4 and 3 Inception-ResNet-v2 on 144 crops, has 16.4%% / 3.1%%", cropImages),
		Head:  []string{"ensemble", "crops", "top-1 error", "top-5 error"},
	}
	for _, e := range f.Crops {
		t.Rows = append(t.Rows, []string{e.Name, fmt.Sprint(int(e.Crops)), errorText(e.Ensemble.Top1), errorText(e.Ensemble.Top5)})
	}
	if len(t.Rows) > 0 {
		all = append(all, t)
	}
	return all
}

func (d *document) markdown() string {
	var b strings.Builder
	b.WriteString("# The paper's claims, measured\n\n")
	d.Summary.markdown(&b)
	d.Setup.markdown(&b)
	for _, s := range d.Sections {
		fmt.Fprintf(&b, "## %s\n\nThe paper: %s\n\n**%s**\n\n", s.Title, s.Paper, s.Verdict)
		for _, t := range s.Tables {
			t.markdown(&b)
		}
		for _, f := range s.Figures {
			fmt.Fprintf(&b, "![%s](%s)\n\n", f.Title, f.File)
		}
	}
	return b.String()
}

func (t table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n\n| %s |\n|%s\n", t.Title, strings.Join(t.Head, " | "), strings.Repeat("---|", len(t.Head)))
	for _, row := range t.Rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
	b.WriteString("\n")
}
