package reproduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A stage is a part of the work with a budget of its own. Claims share what its trials
// tell.
type stage struct {
	name   string
	claims []Claim
	budget time.Duration // on two cores, by default
	run    func(*trainer, context.Context, *account) error
}

// stages are in the order of their work: crops are of the networks that are trained before.
func stages() []stage {
	return []stage{
		{"networks", []Claim{Residual, Averaging, Crops}, 45 * time.Minute, (*trainer).networks},
		{"crops", []Claim{Crops}, 15 * time.Minute, (*trainer).crops},
		{"depth", []Claim{Scaling}, time.Hour, (*trainer).depth},
	}
}

// needed are the stages that tell about some claims.
func needed(all []stage, claims []Claim) []stage {
	return slices.DeleteFunc(slices.Clone(all), func(s stage) bool {
		return !slices.ContainsFunc(s.claims, func(c Claim) bool { return slices.Contains(claims, c) })
	})
}

// DefaultBudget is how long claims may take on two cores.
func DefaultBudget(claims []Claim) time.Duration { return budgetOf(needed(stages(), claims)) }

func budgetOf(all []stage) (total time.Duration) {
	for _, s := range all {
		total += s.budget
	}
	return total
}

// Budgets says what the claims may take by default, in the order of their work.
func Budgets() string {
	var parts []string
	seen := map[Claim]bool{}
	for _, s := range stages() {
		var names []string
		more := ""
		for _, c := range s.claims {
			names = append(names, c.String())
			if seen[c] {
				more = " more"
			}
			seen[c] = true
		}
		parts = append(parts, fmt.Sprintf("%s%s for %s", short(s.budget), more, strings.Join(names, ", ")))
	}
	return strings.Join(parts, "; ")
}

// short writes seconds, of whole minutes no seconds and of whole hours no minutes.
func short(d time.Duration) string {
	text := d.Round(time.Second).String()
	if cut := strings.TrimSuffix(text, "m0s"); cut != text {
		text = strings.TrimSuffix(cut+"m", "h0m")
		if text != cut+"m" {
			text += "h"
		}
	}
	return text
}

// errSpent says that what comes next does not fit into what is left of a budget.
var errSpent = errors.New("the budget is spent")

// An account is what a stage may take and has taken, and what it settled before its
// trials, which all of them share. It is kept in the folder.
type account struct {
	Budget, Spent time.Duration
	// Precision is what the trials compute in, and Steps how many each makes; 0 before they
	// are settled.
	Precision string           `json:",omitempty"`
	Steps     int              `json:",omitempty"`
	Speeds    map[string]speed `json:",omitempty"`
	Missing   string           `json:",omitempty"` // what was not done, and why
	Predicted time.Duration    `json:",omitempty"`
	since     time.Time        // until when Spent has counted
}

// count adds the time since it last did.
func (a *account) count() {
	now := time.Now()
	a.Spent += now.Sub(a.since)
	a.since = now
}

// require returns errSpent if work of about a length does not fit any more.
func (a *account) require(work time.Duration) error {
	a.count()
	if a.Spent+work > a.Budget {
		return errSpent
	}
	return nil
}

// A speed is what trials of an arm take.
type speed struct {
	// Part is what a part takes beside its steps, which is opening the images, compiling and
	// measuring, and Step each step.
	Part, Step time.Duration
}

func (s speed) of(steps, parts int) time.Duration {
	return time.Duration(steps)*s.Step + time.Duration(parts)*s.Part
}

// stage runs one and keeps its account.
func (t *trainer) stage(ctx context.Context, s stage) error {
	a := t.plan.Accounts[s.name]
	a.since, a.Missing = time.Now(), ""
	t.c.log("begins", "stage", s.name, "budget", a.Budget, "spent", a.Spent.Round(time.Second))
	err := s.run(t, ctx, a)
	a.count()
	if errors.Is(err, errSpent) {
		a.Missing = cmp.Or(a.Missing, "nothing more fitted") + fmt.Sprintf(": %s of its budget of %s were spent", short(a.Spent), short(a.Budget))
		t.c.log("ends early", "stage", s.name, "missing", a.Missing)
		err = nil
	}
	return errors.Join(err, t.plan.write(t.c.Folder))
}
