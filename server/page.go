package server

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/oip"
	"github.com/seed-fb2c0fa6/inception/server/page"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// card is what the page tells of the model.
func (m *Model) card() (page.Model, error) {
	c := m.batcher.Classifier()
	p, o := c.Preprocessing(), c.Network().Options()
	description, err := c.Network().Describe(p.Size, p.Size)
	if err != nil {
		return page.Model{}, err
	}
	card := page.Model{
		Name: m.Name(), Version: m.Version(), Network: c.Network().Name(), Precision: string(cmp.Or(o.Precision, arch.Float32)),
		Labels: c.Labels(), Preprocessing: p, Parameters: description.Parameters, MultiplyAdds: description.MultiplyAdds, Checkpoint: c.Card(),
	}
	if m.classes {
		card.Classes = o.Classes
	}
	return card, nil
}

// view is the page without results.
func (s *Server) view() (page.View, error) {
	v := page.View{Version: s.options.Version, Top: defaultTop}
	for _, state := range s.models.Index() {
		m, leave, err := s.models.Find(state.Name, state.Version)
		if err != nil {
			v.Models = append(v.Models, page.Model{Name: state.Name, Version: state.Version, Unready: cmp.Or(state.Reason, string(state.State))})
			continue
		}
		card, err := m.card()
		leave()
		if err != nil {
			return v, err
		}
		v.Models = append(v.Models, card)
	}
	if m, leave, err := s.models.Find("", ""); err == nil {
		v.Chosen = page.Choice(m.Name(), m.Version())
		leave()
	}
	return v, nil
}

// index answers with the page, and with the results of the pictures that its form brings.
func (s *Server) index(w http.ResponseWriter, r *http.Request) error {
	v, err := s.view()
	if err != nil {
		return err
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		if err := s.classifyForm(&v, r); err != nil {
			status, v.Fault = s.fault(w, r, err)
		}
	}
	return writePage(w, status, v.Write)
}

// results answers with the results of the pictures that a form brings, for the page's script.
func (s *Server) results(w http.ResponseWriter, r *http.Request) error {
	var v page.View
	if err := s.classifyForm(&v, r); err != nil {
		return err
	}
	return writePage(w, http.StatusOK, v.WriteResults)
}

// classifyForm puts the results of a form's pictures into a view.
func (s *Server) classifyForm(v *page.View, r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return &oip.Error{Status: http.StatusForbidden, Message: "the form is another site's: " + err.Error()}
	}
	began := time.Now()
	body, release, err := s.body(r)
	if err != nil {
		return err
	}
	defer release()
	f, err := parseForm(r.Header.Get("Content-Type"), body)
	if err != nil {
		return err
	}
	top, err := parseTop(f.fields["top"])
	if err != nil {
		return err
	}
	v.Top = top
	name, version, _ := strings.Cut(f.fields["model"], "/")
	m, leave, err := s.models.Find(name, version)
	if err != nil {
		return err
	}
	return s.use(m, leave, func() error {
		v.Chosen = page.Choice(m.Name(), m.Version())
		if err := m.checkClasses(); err != nil {
			return err
		}
		v.Results, err = m.results(r, f.files, top, began)
		return err
	})
}

// results classifies the files of a form that came at a time.
func (m *Model) results(r *http.Request, files []formFile, top int, began time.Time) ([]page.Result, error) {
	if len(files) == 0 {
		return nil, badRequest("the form has no pictures; choose one at least")
	}
	inputs := make([]predict.Input, len(files))
	seen := make([]*vision.Image, len(files))
	for i, file := range files {
		inputs[i] = predict.Input{Encoded: file.data, Seen: func(crop *vision.Image) { seen[i] = crop }}
	}
	photos, err := m.batcher.Classify(r.Context(), inputs...)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	results := make([]page.Result, len(photos))
	for i, p := range photos {
		if p.Err != nil {
			fault := pictureFault("picture", p.Err)
			if _, internal := statusOf(fault); internal {
				return nil, fault
			}
		}
		p.Name = files[i].name
		record := p.Record(top)
		results[i] = page.Result{
			Name: record.File, Model: m.Name(), Seen: seen[i], Took: took,
			Width: record.Width, Height: record.Height, Predictions: record.Predictions, Fault: record.Error,
			Curl: "curl --data-binary " + page.Quoted("@"+record.File) + " " + page.Quoted(m.classifyURL(r, top)),
		}
	}
	return results, nil
}

// classifyURL is where a client of the same address finds the model's classes.
func (m *Model) classifyURL(r *http.Request, top int) string {
	u := url.URL{Scheme: "http", Host: r.Host, Path: "/models/" + m.Name() + "/versions/" + m.Version() + "/classify", RawQuery: "top=" + strconv.Itoa(top)}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		u.Scheme = "https"
	}
	return u.String()
}

// writePage answers with a page, whole or not at all.
func writePage(w http.ResponseWriter, status int, write func(*bytes.Buffer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	page.SetHeader(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
	return nil
}

// asset answers with a file that pages need.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	if !page.ServeAsset(w, r, r.PathValue("file")) {
		return &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is no file %q of the page", r.PathValue("file"))}
	}
	return nil
}

// docs answers with the documentation of the API.
func (s *Server) docs(w http.ResponseWriter, r *http.Request) error {
	return writePage(w, http.StatusOK, page.WriteDocs)
}

// openAPI answers with the description of the API.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/vnd.oai.openapi+json; version=3.1")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(page.Description())
	return nil
}
