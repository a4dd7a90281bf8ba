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
	Setup    table
	Sections []section
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
	d := &document{Setup: table{Title: "Setup", Head: []string{"what", "value"}, Rows: [][]string{
		{"backend", r.Backend},
		{"data", fmt.Sprintf("%s: %d images of %d classes to train on, split %q; errors on %d images of split %q", filepath.Base(r.Config.Data), r.Images, len(r.Classes), r.Config.Train, r.Config.Images, r.Config.Test)},
		{"input", fmt.Sprintf("%d x %d pixels", inputSize, inputSize)},
		{"seeds", fmt.Sprint(r.Config.Seeds)},
		{"time", fmt.Sprintf("%v of a budget of %v", r.Time.Round(time.Second), r.Config.Budget)},
	}}}
	for _, f := range r.Findings {
		s, err := f.section()
		if err != nil {
			return nil, err
		}
		d.Sections = append(d.Sections, s)
	}
	return d, nil
}

func (f Finding) section() (section, error) {
	text := f.Claim.text()
	s := section{Name: text.name, Title: text.title, Paper: text.paper, Held: len(f.Comparisons) > 0}
	comparisons := table{Title: "Paired differences, with 95% intervals (Student's t over the seeds); positive is the claim's side", Head: []string{"difference", "mean", "95% interval", "seeds", "verdict"}}
	for _, c := range f.Comparisons {
		comparisons.Rows = append(comparisons.Rows, []string{c.What, fmt.Sprintf("%.2f %s", c.Difference.Mean, c.Unit), intervalText(c.Difference), fmt.Sprint(c.Difference.N), c.Verdict().String()})
		s.Held = s.Held && c.Verdict() == Held
	}
	s.Verdict = f.Verdict()
	s.Tables = append(s.Tables, comparisons)
	if f.Claim == Crops {
		s.Tables = append(s.Tables, f.cropTable())
	} else {
		s.Tables = append(s.Tables, f.trialTable())
	}
	for _, figure := range figuresOf(f.Claim) {
		svg, err := figure.draw(f.Trials)
		if err != nil {
			return s, err
		}
		// Within a page an SVG begins with its element.
		if at := bytes.Index(svg, []byte("<svg")); at > 0 {
			svg = svg[at:]
		}
		s.Figures = append(s.Figures, drawing{figure.title, fmt.Sprintf("%s-%s.svg", text.name, figure.name), template.HTML(svg)})
	}
	return s, nil
}

// Verdict sums the comparisons up, without calling anything held that was not shown.
func (f Finding) Verdict() string {
	counts := map[Verdict]int{}
	for _, c := range f.Comparisons {
		counts[c.Verdict()]++
	}
	switch n := len(f.Comparisons); {
	case counts[Held] == n:
		return "The claim held."
	case counts[Contradicted] == n:
		return "The claim did not hold: all differences are the other way."
	case counts[Held] == 0 && counts[Contradicted] == 0:
		return "The claim was not shown at this scale: no interval excludes that there is no difference."
	default:
		return fmt.Sprintf("The claim held in part: %d of %d differences held, %d were the other way, %d not shown.", counts[Held], n, counts[Contradicted], counts[Undecided])
	}
}

func intervalText(e score.Estimate) string {
	if math.IsInf(e.Low, 0) {
		return "none: one seed"
	}
	return fmt.Sprintf("%.2f to %.2f", e.Low, e.High)
}

func errorText(e score.Errors) string {
	return fmt.Sprintf("%.1f%% (%.1f%% to %.1f%%)", 100*e.Rate, 100*e.Low, 100*e.High)
}

func (f Finding) trialTable() table {
	t := table{
		Title: "Trainings at their end; errors with 95% intervals (Wilson)",
		Head:  []string{"network", "seed", "multiply-adds", "parameters", "steps", "top-1 error", "top-5 error", "top-1 error, parameters not averaged", "mean before pooling", "time"},
	}
	for _, trial := range f.Trials {
		row := []string{trial.Arm.Name, fmt.Sprint(trial.Seed), fmt.Sprintf("%.1f M", float64(trial.Arm.MultiplyAdds)/1e6), fmt.Sprintf("%.2f M", float64(trial.Arm.Parameters)/1e6)}
		if trial.Failure != nil || len(trial.Points) == 0 {
			row = append(row, fmt.Sprintf("failed after %d of %d measurements", len(trial.Points), points), "", "", "", "")
		} else {
			p := trial.Points[len(trial.Points)-1]
			activation := fmt.Sprintf("%.3g", p.Activation)
			if trial.Died() {
				activation += ", dead"
			}
			row = append(row, fmt.Sprint(p.Step), errorText(p.Top1), errorText(p.Top5), errorText(p.RawTop1), activation)
		}
		t.Rows = append(t.Rows, append(row, trial.Time.Round(time.Second).String()))
	}
	return t
}

// cropTable is shaped like tables 2 to 5.
func (f Finding) cropTable() table {
	t := table{Title: fmt.Sprintf("Top-1 errors on %d images, with 95%% intervals (Wilson)", cropImages), Head: []string{"seed", "crops"}}
	for _, trial := range f.Trials[:min(2, len(f.Trials))] {
		t.Head = append(t.Head, trial.Arm.Name)
	}
	t.Head = append(t.Head, "both together")
	for _, c := range f.Crops {
		row := []string{fmt.Sprint(c.Seed), fmt.Sprint(int(c.Crops))}
		for _, m := range c.Members {
			row = append(row, errorText(m))
		}
		t.Rows = append(t.Rows, append(row, errorText(c.Ensemble)))
	}
	return t
}

func (d *document) markdown() string {
	var b strings.Builder
	b.WriteString("# The paper's claims, measured\n\n")
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
