package cli

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/reproduce"
	"github.com/seed-fb2c0fa6/inception/score"
)

// TestReproducedJSON has a difference of one seed, whose interval is infinite.
func TestReproducedJSON(t *testing.T) {
	r := &reproduce.Result{Time: 3 * time.Second, Budget: time.Minute, Findings: []reproduce.Finding{{
		Claim: reproduce.Averaging,
		Comparisons: []reproduce.Comparison{
			{What: "a", Unit: "points", Difference: score.Estimate{N: 3, Mean: 2, Low: 1, High: 3}},
			{What: "b", Difference: score.Estimate{N: 1, Mean: 2, Low: math.Inf(-1), High: math.Inf(1)}},
		},
	}}}
	var out strings.Builder
	if err := printJSON(&out, reproducedOf(r, "report.html")); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), "")
	for _, want := range []string{
		`"report":"report.html","seconds":3,"budget_seconds":60,"findings":[{"claim":"averaging"`,
		`{"what":"a","unit":"points","mean":2,"interval":[1,3],"seeds":3,"verdict":"` + r.Findings[0].Comparisons[0].Verdict().String() + `"}`,
		`{"what":"b","mean":2,"seeds":1,`,
	} {
		if !strings.Contains(text, strings.ReplaceAll(want, " ", "")) {
			t.Errorf("%s should contain %s", text, want)
		}
	}
}
