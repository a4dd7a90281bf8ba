package server

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// requestCounts are those of each version of each model.
type requestCounts struct {
	mu  sync.Mutex
	all map[[2]string]requestCount // by name and version
}

type requestCount struct {
	success, failure timed
	last             time.Time // of success
}

// timed is how many there were of something, and how long all took.
type timed struct {
	count uint64
	took  time.Duration
}

func (r *requestCounts) add(model, version string, took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[[2]string]requestCount{}
	}
	c := r.all[[2]string{model, version}]
	of := &c.failure
	if err == nil {
		of, c.last = &c.success, time.Now()
	}
	of.count++
	of.took += took
	r.all[[2]string{model, version}] = c
}

func (r *requestCounts) of(model, version string) requestCount {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[[2]string{model, version}]
}

// statistics tell what the versions of a model have done, or of all without a name.
func (s *Server) statistics(name, version string) (*inference.ModelStatisticsResponse, error) {
	if name != "" {
		_, leave, err := s.models.Find(name, version)
		if err != nil {
			return nil, err
		}
		leave()
	}
	out := &inference.ModelStatisticsResponse{}
	for _, state := range s.models.Index() {
		if (name == "" || state.Name == name) && (version == "" || state.Version == version) && state.Loads > 0 {
			out.ModelStats = append(out.ModelStats, s.statisticsOf(state))
		}
	}
	return out, nil
}

func (s *Server) statisticsOf(state ModelState) *inference.ModelStatistics {
	duration := func(count uint64, d time.Duration) *inference.StatisticDuration {
		return &inference.StatisticDuration{Count: count, Ns: uint64(d)}
	}
	stats, requests := state.Stats, s.metrics.requests.of(state.Name, state.Version)
	of := &inference.ModelStatistics{
		Name: state.Name, Version: state.Version, InferenceCount: stats.Images,
		InferenceStats: &inference.InferStatistics{
			Success: duration(requests.success.count, requests.success.took), Fail: duration(requests.failure.count, requests.failure.took),
			Queue: duration(stats.Images, stats.Queued), ComputeInput: duration(stats.Images, stats.Decoding), ComputeInfer: duration(stats.Images, stats.Computing),
			ComputeOutput: &inference.StatisticDuration{}, CacheHit: &inference.StatisticDuration{}, CacheMiss: &inference.StatisticDuration{},
		},
	}
	if !requests.last.IsZero() {
		of.LastInference = uint64(requests.last.UnixMilli())
	}
	for _, size := range slices.Sorted(maps.Keys(stats.Batches)) {
		of.ExecutionCount += stats.Batches[size]
		of.BatchStats = append(of.BatchStats, &inference.InferBatchStatistics{
			BatchSize: uint64(size), ComputeInput: &inference.StatisticDuration{}, ComputeInfer: duration(stats.Batches[size], stats.BatchTimes[size]), ComputeOutput: &inference.StatisticDuration{},
		})
	}
	return of
}

// A statistic is a StatisticDuration in JSON with numbers, as Triton writes it.
type statistic struct {
	Count uint64 `json:"count"`
	Ns    uint64 `json:"ns"`
}

func statisticOf(d *inference.StatisticDuration) statistic { return statistic{d.GetCount(), d.GetNs()} }

// modelStatistics is GET v2/models/stats and v2/models/NAME/stats of Triton.
func (s *Server) modelStatistics(w http.ResponseWriter, r *http.Request) error {
	all, err := s.statistics(r.PathValue("model"), r.PathValue("version"))
	if err != nil {
		return err
	}
	type batchStats struct {
		BatchSize     uint64    `json:"batch_size"`
		ComputeInput  statistic `json:"compute_input"`
		ComputeInfer  statistic `json:"compute_infer"`
		ComputeOutput statistic `json:"compute_output"`
	}
	type modelStats struct {
		Name           string               `json:"name"`
		Version        string               `json:"version"`
		LastInference  uint64               `json:"last_inference"`
		InferenceCount uint64               `json:"inference_count"`
		ExecutionCount uint64               `json:"execution_count"`
		InferenceStats map[string]statistic `json:"inference_stats"`
		BatchStats     []batchStats         `json:"batch_stats"`
	}
	out := []modelStats{}
	for _, m := range all.ModelStats {
		i := m.InferenceStats
		of := modelStats{m.Name, m.Version, m.LastInference, m.InferenceCount, m.ExecutionCount, map[string]statistic{
			"success": statisticOf(i.Success), "fail": statisticOf(i.Fail), "queue": statisticOf(i.Queue), "compute_input": statisticOf(i.ComputeInput),
			"compute_infer": statisticOf(i.ComputeInfer), "compute_output": statisticOf(i.ComputeOutput), "cache_hit": statisticOf(i.CacheHit), "cache_miss": statisticOf(i.CacheMiss),
		}, []batchStats{}}
		for _, b := range m.BatchStats {
			of.BatchStats = append(of.BatchStats, batchStats{b.BatchSize, statisticOf(b.ComputeInput), statisticOf(b.ComputeInfer), statisticOf(b.ComputeOutput)})
		}
		out = append(out, of)
	}
	writeJSON(w, http.StatusOK, map[string]any{"model_stats": out})
	return nil
}
