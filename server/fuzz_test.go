package server_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// FuzzHTTP sends requests of any kind, and expects no fault of the server.
func FuzzHTTP(f *testing.F) {
	r := server.NewRepository(server.Fixed(server.Definition{Name: "m", Open: func(context.Context) (*predict.Batcher, error) {
		return predict.NewBatcher(tiny(f), predict.BatcherOptions{})
	}}), server.RepositoryOptions{})
	if err := r.Refresh(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = r.Close(context.Background()) })
	s, err := server.New(r, server.Options{MaxBody: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	file := picture(f, 80, 80)
	f.Add("POST", "/classify?top=2", "image/png", "", "", file)
	f.Add("POST", "/classify", "multipart/form-data; boundary=b", "", "", []byte("--b\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\nx\r\n--b--\r\n"))
	f.Add("POST", "/v2/models/m/infer", "", "0", "", file)
	f.Add("POST", "/v2/models/m/infer", "", "", "", []byte(`{"id":"1","parameters":{"timeout":1000,"priority":1},"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["eA=="]}],"outputs":[{"name":"logits","parameters":{"classification":2}}]}`))
	f.Add("POST", "/v2/models/m/versions/1/infer", "", "112", "", append([]byte(`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}                 `), 1, 0, 0, 0, 'x'))
	f.Add("POST", "/v1/models/m:predict", "application/json", "", "gzip", []byte(`{"instances":[{"b64":"eA=="}]}`))
	f.Add("POST", "/v1/models/m/versions/1:predict", "", "", "deflate", []byte(`{"inputs":{"images":[{"b64":"eA=="}]}}`))
	f.Add("GET", "/v2/models/m/config", "", "", "", []byte(nil))
	f.Add("POST", "/v2/repository/index", "", "", "", []byte(`{"ready":true}`))
	f.Fuzz(func(t *testing.T, method, path, contentType, headerLength, encoding string, body []byte) {
		request, err := http.NewRequest(method, "http://localhost/", bytes.NewReader(body))
		if err != nil {
			return
		}
		target, err := request.URL.Parse(path)
		if err != nil || target.Path == "" {
			return
		}
		request.URL = target
		for name, value := range map[string]string{"Content-Type": contentType, oip.HeaderLength: headerLength, "Content-Encoding": encoding} {
			if value != "" {
				request.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, request)
		if w.Code == http.StatusInternalServerError || w.Code < 200 {
			t.Errorf("%s %s: %d: %s", method, path, w.Code, w.Body)
		}
	})
}
