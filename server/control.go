package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// repositoryFault is what who asked to load or unload a model is told: what is wrong with
// the model's files is no fault of the program.
func repositoryFault(name, verb string, err error) error {
	var fault *oip.Error
	if err == nil || errors.As(err, &fault) {
		return err
	}
	if status, internal := statusOf(err); !internal {
		return &oip.Error{Status: status, Message: fmt.Sprintf("%s the model %s: %v", verb, name, err)}
	}
	return badRequest("%s the model %s: %v", verb, name, err)
}

// errModelControl is what who asks to load or unload a model is told where nobody may.
var errModelControl = &oip.Error{Status: http.StatusForbidden, Message: "models are not loaded or unloaded on request here; who runs the server may allow it by --model-control-mode explicit"}

// loadModel loads a model for who asks by either protocol.
func (s *Server) loadModel(ctx context.Context, name string) error {
	if !s.options.ModelControl {
		return errModelControl
	}
	return repositoryFault(name, "load", s.models.Load(ctx, name))
}

func (s *Server) unloadModel(ctx context.Context, name string) error {
	if !s.options.ModelControl {
		return errModelControl
	}
	return repositoryFault(name, "unload", s.models.Unload(ctx, name))
}

// indexed is a version of a model in JSON.
type indexed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	State   State  `json:"state"`
	Reason  string `json:"reason"`
}

// modelIndex lists the models.
func (s *Server) modelIndex(ready bool) []indexed {
	all := []indexed{}
	for _, m := range s.models.Index() {
		if !ready || m.State == Ready {
			all = append(all, indexed{m.Name, m.Version, m.State, m.Reason})
		}
	}
	return all
}

// repositoryIndex is POST v2/repository/index of Triton.
func (s *Server) repositoryIndex(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Ready bool `json:"ready"`
	}
	if err := s.optionalJSON(r, &asked); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s.modelIndex(asked.Ready))
	return nil
}

// load and unload are POST v2/repository/models/NAME/load and /unload of Triton.
func (s *Server) load(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Parameters map[string]any `json:"parameters"`
	}
	if err := s.optionalJSON(r, &asked); err != nil {
		return err
	}
	for name := range asked.Parameters {
		return badLoadParameter(name)
	}
	if err := s.loadModel(r.Context(), r.PathValue("model")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) unload(w http.ResponseWriter, r *http.Request) error {
	// Its parameter unload_dependents is true of every model here: none depends on another.
	if err := s.optionalJSON(r, &struct{}{}); err != nil {
		return err
	}
	if err := s.unloadModel(r.Context(), r.PathValue("model")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// badLoadParameter refuses files and configurations in a request to load.
func badLoadParameter(name string) error {
	return &oip.Error{Status: http.StatusNotImplemented, Message: fmt.Sprintf("parameters.%s: models are loaded as they are at the server; leave the parameters out", name)}
}

// nameOf is a model's name in a request to load or unload it over gRPC: KServe numbers it as
// Triton does a repository's.
func nameOf(repository, model string) (string, error) {
	name := cmp.Or(model, repository)
	if name == "" {
		return "", badRequest("model_name: expected the name of a model, found nothing")
	}
	return name, nil
}
