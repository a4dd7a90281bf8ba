package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// A Definition is a version of a model that should be served.
type Definition struct {
	// Name is of letters, digits, '.', '_' and '-'.
	Name string
	// Version is a whole number without leading zeros.
	Version string
	// Stamp tells in which state the files are that the model is made of: it is loaded again
	// when that changes. Nil for what does not change.
	Stamp func() (Stamp, error)
	// Open makes the batcher, which the Repository warms, and closes with its classifier.
	Open func(ctx context.Context) (*predict.Batcher, error)
}

// A Source tells which models should be served now; the first is that of requests that name
// none.
type Source func(ctx context.Context) ([]Definition, error)

// RepositoryOptions say how a Repository works. The zero value has the defaults.
type RepositoryOptions struct {
	// Settle is for how long files must not have changed before they are loaded, so that
	// nobody is writing them; DefaultSettle when zero, none when negative.
	Settle time.Duration
	// Log takes a line for each load and its failure; none when nil.
	Log *slog.Logger
}

// DefaultSettle is that of RepositoryOptions.
const DefaultSettle = time.Second

// A Repository holds the models that are served. Versions are loaded beside those that serve,
// and take their place when they are warm; what is replaced is closed, and its memory given
// back to the system, when the last request has released it. A version that cannot be loaded
// leaves what serves as it is. Its methods may be called by several goroutines.
type Repository struct {
	source  Source
	options RepositoryOptions
	loading chan struct{} // full while models are loaded or unloaded
	ending  sync.WaitGroup

	mu     sync.Mutex
	slots  []*slot // in the order of the source
	ready  bool    // the models have been loaded once
	closed bool
}

// State is what a version of a model does.
type State string

// The states, by Triton's names.
const (
	Loading     State = "LOADING"
	Ready       State = "READY"
	Unloading   State = "UNLOADING"
	Unavailable State = "UNAVAILABLE"
)

// ModelState is what a Repository tells of a version of a model.
type ModelState struct {
	Name, Version string
	State         State
	// Reason is why the last load failed, also while an earlier one serves, or why nothing
	// serves.
	Reason string
	// Stats are those of all the version's loads.
	Stats predict.BatcherStats
	// Loads counts the loads that succeeded, Failures those that did not.
	Loads, Failures uint64
	// Failed says that the last load failed.
	Failed bool
}

// A slot is a version of a model.
type slot struct {
	definition Definition
	serving    *Model
	ending     []*Model             // replaced, and still in use
	past       predict.BatcherStats // of what has been closed
	tried      Stamp                // of the last load
	attempted  bool
	off        bool // unloaded on request
	loading    bool
	failure    error
	loads      uint64
	failures   uint64
}

// NewRepository returns a Repository without models; Refresh loads those of the source.
func NewRepository(source Source, o RepositoryOptions) *Repository {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Settle = cmp.Or(o.Settle, DefaultSettle)
	return &Repository{source: source, options: o, loading: make(chan struct{}, 1)}
}

// Find returns a version of a model, the latest that serves where the version is empty, and
// the first model where the name is. It stays open until release is called, which has to be
// done once. Errors are an oip.Error: 404 for what is not there, 503 for what does not serve.
func (r *Repository) Find(name, version string) (m *Model, release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name == "" {
		if len(r.slots) == 0 {
			return nil, nil, &oip.Error{Status: http.StatusServiceUnavailable, Message: "no model is loaded yet; try again later"}
		}
		name = r.slots[0].definition.Name
	}
	var known []string
	var latest *slot
	for _, s := range r.slots {
		if s.definition.Name != name {
			continue
		}
		known = append(known, s.definition.Version)
		switch {
		case version != "" && s.definition.Version != version:
		case latest == nil, s.serving != nil && (latest.serving == nil || laterVersion(s.definition.Version, latest.definition.Version)):
			latest = s
		}
	}
	switch {
	case latest == nil && len(known) == 0:
		return nil, nil, &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is no model %q; expected %s", name, oneOf(r.namesLocked()))}
	case latest == nil:
		return nil, nil, &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("the model %s has the version %s, found %q", name, strings.Join(known, ", "), version)}
	case latest.serving == nil:
		return nil, nil, &oip.Error{Status: http.StatusServiceUnavailable, Message: fmt.Sprintf("the model %s is not ready: %s", name, latest.reason())}
	}
	m = latest.serving
	m.users++
	return m, sync.OnceFunc(func() { r.release(m) }), nil
}

func oneOf(names []string) string {
	if len(names) == 0 {
		return "none, as none is loaded"
	}
	return "one of " + strings.Join(names, ", ")
}

// laterVersion compares whole numbers of any length.
func laterVersion(a, b string) bool { return compareVersions(a, b) > 0 }

func compareVersions(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func (s *slot) reason() string {
	switch {
	case s.failure != nil:
		return s.failure.Error()
	case s.off:
		return "unloaded"
	}
	return "loading"
}

// Names returns the models' names, in the order of the source.
func (r *Repository) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.namesLocked()
}

func (r *Repository) namesLocked() []string {
	var names []string
	for _, s := range r.slots {
		if !slices.Contains(names, s.definition.Name) {
			names = append(names, s.definition.Name)
		}
	}
	return names
}

// Ready reports whether the models have been loaded, and each has a version that serves,
// unless it was unloaded on request.
func (r *Repository) Ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ready {
		return false
	}
	serves := map[string]bool{}
	for _, s := range r.slots {
		serves[s.definition.Name] = serves[s.definition.Name] || s.serving != nil || s.off
	}
	for _, ok := range serves {
		if !ok {
			return false
		}
	}
	return true
}

// Index tells the state of every version of every model.
func (r *Repository) Index() []ModelState {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]ModelState, len(r.slots))
	for i, s := range r.slots {
		state := ModelState{Name: s.definition.Name, Version: s.definition.Version, State: Unavailable, Loads: s.loads, Failures: s.failures, Failed: s.failure != nil}
		switch {
		case s.serving != nil:
			state.State = Ready
		case s.loading:
			state.State = Loading
		case len(s.ending) > 0:
			state.State = Unloading
		}
		if s.failure != nil || s.off {
			state.Reason = s.reason()
		}
		state.Stats = s.past.Plus(predict.BatcherStats{})
		for _, m := range append(slices.Clip(s.ending), s.serving) {
			if m != nil {
				state.Stats = state.Stats.Plus(m.batcher.Stats())
			}
		}
		all[i] = state
	}
	return all
}

// release ends one use of a model.
func (r *Repository) release(m *Model) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.users--
	r.endUnused(m)
}

// retire takes a model out of service.
func (r *Repository) retire(s *slot) {
	m := s.serving
	if m == nil {
		return
	}
	s.serving, m.retired = nil, s
	s.ending = append(s.ending, m)
	r.ending.Add(1)
	r.endUnused(m)
}

// endUnused closes a model that is retired and not in use, elsewhere.
func (r *Repository) endUnused(m *Model) {
	s := m.retired
	if s == nil || m.users > 0 {
		return
	}
	go func() {
		defer r.ending.Done()
		m.close()
		stats := m.batcher.Stats()
		r.mu.Lock()
		defer r.mu.Unlock()
		s.past = s.past.Plus(stats)
		s.past.Waiting, s.past.WaitingBytes = 0, 0
		s.ending = slices.DeleteFunc(s.ending, func(other *Model) bool { return other == m })
		r.options.Log.Info("released", "model", m.Name(), "version", m.Version())
	}()
}

// close gives the memory of a model back.
func (m *Model) close() {
	m.batcher.Close()
	m.batcher.Classifier().Close()
	debug.FreeOSMemory()
}

// begin waits for the end of other loads.
func (r *Repository) begin(ctx context.Context) error {
	select {
	case r.loading <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		<-r.loading
		return errors.New("the repository of models is closed")
	}
	return nil
}

func (r *Repository) end() { <-r.loading }

// Refresh makes the Repository what the source says: it loads what is new, what has changed
// and what could not be loaded before, one after the other, and then unloads what is not
// there any more. What was unloaded on request stays so. Errors of several models are joined.
func (r *Repository) Refresh(ctx context.Context) error { return r.refresh(ctx, true) }

// refresh tries again what failed and has not changed since, if again is set.
func (r *Repository) refresh(ctx context.Context, again bool) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	definitions, err := r.definitions(ctx)
	if err != nil {
		return err
	}
	r.settleOn(definitions)
	var failures []error
	for _, d := range definitions {
		s := r.slotOf(d)
		if s.off {
			continue
		}
		if err := r.loadChanged(ctx, s, again); err != nil {
			failures = append(failures, err)
		}
	}
	r.dropOthers(definitions)
	r.mu.Lock()
	r.ready = true
	r.mu.Unlock()
	return errors.Join(failures...)
}

// definitions asks the source, and checks what it says.
func (r *Repository) definitions(ctx context.Context) ([]Definition, error) {
	all, err := r.source(ctx)
	if err != nil {
		return nil, err
	}
	for i, d := range all {
		if err := errors.Join(CheckName(d.Name), checkVersion(d.Version)); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all[:i], func(o Definition) bool { return o.Name == d.Name && o.Version == d.Version }) {
			return nil, fmt.Errorf("two models have the name %s, version %s; give each its own", d.Name, d.Version)
		}
	}
	return all, nil
}

// settleOn makes a slot for each definition, in their order; those that have none any more
// stay, behind.
func (r *Repository) settleOn(definitions []Definition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ordered []*slot
	for _, d := range definitions {
		i := slices.IndexFunc(r.slots, func(s *slot) bool { return s.is(d) })
		if i < 0 {
			ordered = append(ordered, &slot{definition: d, off: r.offLocked(d.Name)})
			continue
		}
		r.slots[i].definition = d
		ordered = append(ordered, r.slots[i])
	}
	for _, s := range r.slots {
		if !slices.Contains(ordered, s) {
			ordered = append(ordered, s)
		}
	}
	r.slots = ordered
}

// offLocked reports whether a model was unloaded on request.
func (r *Repository) offLocked(name string) bool {
	return slices.ContainsFunc(r.slots, func(s *slot) bool { return s.definition.Name == name && s.off })
}

func (s *slot) is(d Definition) bool {
	return s.definition.Name == d.Name && s.definition.Version == d.Version
}

func (r *Repository) slotOf(d Definition) *slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.slots[slices.IndexFunc(r.slots, func(s *slot) bool { return s.is(d) })]
}

// dropOthers unloads versions that are not defined. While a version of the same name that is
// defined does not serve, they serve on.
func (r *Repository) dropOthers(definitions []Definition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots = slices.DeleteFunc(r.slots, func(s *slot) bool {
		if slices.ContainsFunc(definitions, s.is) {
			return false
		}
		waits := slices.ContainsFunc(r.slots, func(other *slot) bool {
			return other.definition.Name == s.definition.Name && other.serving == nil && !other.off && slices.ContainsFunc(definitions, other.is)
		})
		if waits {
			return false
		}
		if s.serving != nil {
			r.options.Log.Info("unloaded", "model", s.definition.Name, "version", s.definition.Version, "why", "it is not there any more")
		}
		r.retire(s)
		return true
	})
}

// Load loads a model's versions that are new or have changed or were unloaded. A name that
// the source does not tell is an oip.Error.
func (r *Repository) Load(ctx context.Context, name string) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	definitions, err := r.definitions(ctx)
	if err != nil {
		return err
	}
	definitions = slices.DeleteFunc(definitions, func(d Definition) bool { return d.Name != name })
	if len(definitions) == 0 {
		return &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is no model %q to load", name)}
	}
	r.add(definitions)
	var failures []error
	for _, d := range definitions {
		if err := r.loadChanged(ctx, r.slotOf(d), true); err != nil {
			failures = append(failures, err)
		}
	}
	r.mu.Lock()
	others := make([]Definition, 0, len(r.slots))
	for _, s := range r.slots {
		if s.definition.Name != name {
			others = append(others, s.definition)
		}
	}
	r.mu.Unlock()
	r.dropOthers(append(others, definitions...))
	return errors.Join(failures...)
}

// add makes slots for definitions of a name, which is wanted again.
func (r *Repository) add(definitions []Definition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range definitions {
		i := slices.IndexFunc(r.slots, func(s *slot) bool { return s.is(d) })
		if i < 0 {
			r.slots = append(r.slots, &slot{definition: d})
			continue
		}
		r.slots[i].definition, r.slots[i].off = d, false
	}
}

// Unload takes all versions of a model out of service, until it is loaded again.
func (r *Repository) Unload(ctx context.Context, name string) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	found := false
	for _, s := range r.slots {
		if s.definition.Name != name {
			continue
		}
		found = true
		if s.serving != nil {
			r.options.Log.Info("unloaded", "model", name, "version", s.definition.Version, "why", "it was asked for")
		}
		r.retire(s)
		s.off, s.failure, s.attempted = true, nil, false
	}
	if !found {
		return &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is no model %q to unload", name)}
	}
	return nil
}

// Close takes all models out of service and returns when they are closed, or with the cause
// of the context's end.
func (r *Repository) Close(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	r.mu.Lock()
	r.closed = true
	for _, s := range r.slots {
		r.retire(s)
	}
	r.mu.Unlock()
	ended := make(chan struct{})
	go func() { r.ending.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// loadChanged loads a slot's model if that does not serve or its files have changed.
func (r *Repository) loadChanged(ctx context.Context, s *slot, again bool) error {
	stamp, err := s.definition.stamp()
	if err == nil {
		r.mu.Lock()
		same := s.attempted && s.tried.Same(stamp)
		done := same && s.serving != nil && s.failure == nil || same && s.failure != nil && !again
		r.mu.Unlock()
		if done {
			return nil
		}
		r.mark(s, true)
		defer r.mark(s, false)
		stamp, err = s.definition.settled(ctx, stamp, r.options.Settle)
	}
	if err != nil && !again && s.failed(r, err) {
		return nil // as it was when this was last looked at
	}
	began := time.Now()
	var m *Model
	if err == nil {
		m, err = s.definition.load(ctx, stamp)
	}
	log := r.options.Log.With("model", s.definition.Name, "version", s.definition.Version)
	r.mu.Lock()
	defer r.mu.Unlock()
	s.tried, s.attempted = stamp, true
	if err != nil && ctx.Err() != nil {
		s.attempted = false
		return context.Cause(ctx)
	}
	if err != nil {
		err = s.failedTo(err)
		s.failure = err
		s.failures++
		log.Error("not loaded", "error", err, "earlier one serves", s.serving != nil)
		return err
	}
	r.retire(s)
	s.serving, s.failure = m, nil
	s.loads++
	network := m.batcher.Classifier().Network()
	log.Info("loaded", "network", network.Name(), "precision", cmp.Or(string(network.Options().Precision), "float32"), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// failedTo is why a slot's model is not loaded.
func (s *slot) failedTo(err error) error {
	return fmt.Errorf("load the model %s, version %s: %w", s.definition.Name, s.definition.Version, err)
}

// failed reports whether the last load failed for the same reason.
func (s *slot) failed(r *Repository, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.failure != nil && s.failure.Error() == s.failedTo(err).Error()
}

func (r *Repository) mark(s *slot, loading bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.loading = loading
}

func (d Definition) stamp() (Stamp, error) {
	if d.Stamp == nil {
		return Stamp{}, nil
	}
	return d.Stamp()
}

// settled waits until the files have not changed for a while.
func (d Definition) settled(ctx context.Context, stamp Stamp, still time.Duration) (Stamp, error) {
	const patience = 100 // times still
	for range patience {
		if d.Stamp == nil || still <= 0 || stamp.still(still) {
			return stamp, nil
		}
		select {
		case <-time.After(still):
		case <-ctx.Done():
			return stamp, context.Cause(ctx)
		}
		now, err := d.Stamp()
		if err != nil || now.Same(stamp) {
			return now, err
		}
		stamp = now
	}
	return stamp, errors.New("the files change all the time; load it when they are written")
}

// load opens and warms a model whose files are in the state of the stamp, also afterwards.
func (d Definition) load(ctx context.Context, stamp Stamp) (m *Model, err error) {
	batcher, err := d.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			batcher.Close()
			batcher.Classifier().Close()
			debug.FreeOSMemory()
		}
	}()
	now, err := d.stamp()
	if err != nil {
		return nil, err
	}
	if !now.Same(stamp) {
		return nil, errors.New("the files changed while they were read; load it when they are written")
	}
	if err := batcher.Warm(ctx); err != nil {
		return nil, err
	}
	return NewModel(d.Name, d.Version, batcher)
}

// Fixed is a Source of models that do not change, each of version 1.
func Fixed(definitions ...Definition) Source {
	for i := range definitions {
		definitions[i].Version = cmp.Or(definitions[i].Version, firstVersion)
	}
	return func(context.Context) ([]Definition, error) { return slices.Clone(definitions), nil }
}
