package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/oip"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

const side, classes = 75, 10

// tiny is a network that a test runs in milliseconds.
func tiny(t testing.TB) *predict.Classifier {
	t.Helper()
	options := arch.Options{Classes: classes, Width: 0.125, Blocks: []int{1, 1, 1}}
	labels := make([]recipe.Label, classes)
	for i := range labels {
		labels[i] = recipe.Label{Synset: fmt.Sprint("n", i), Name: fmt.Sprint("name ", i)}
	}
	file := golden.WriteWeights(t, "inception_resnet_v1", options, weights.Native, weights.Metadata{Network: "inception_resnet_v1", Options: options, Labels: labels})
	c, err := predict.Open(context.Background(), cpubackend.New(t), predict.Config{Weights: file, Size: side})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func model(t *testing.T, name string, c *predict.Classifier, o predict.BatcherOptions) server.Definition {
	t.Helper()
	return server.Definition{Name: name, Open: func(context.Context) (*predict.Batcher, error) { return predict.NewBatcher(c, o) }}
}

// repository loads models.
func repository(t *testing.T, models ...server.Definition) *server.Repository {
	t.Helper()
	r := server.NewRepository(server.Fixed(models...), server.RepositoryOptions{})
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := r.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r
}

func newServer(t *testing.T, o server.Options, models ...server.Definition) *server.Server {
	t.Helper()
	s, err := server.New(repository(t, models...), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	return pictures.PNG(t, pictures.Draw(width, height, func(x, y int) color.NRGBA { return color.NRGBA{uint8(x * 7), uint8(y * 5), uint8(x * y), 255} }))
}

// ask answers a request and expects its status.
func ask(t *testing.T, s http.Handler, status int, method, path string, body []byte, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != status {
		t.Errorf("%s %s: status %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Errorf("%v: %s", err, w.Body)
	}
	return v
}

// TestAnswers asks for one picture in every way, and expects what Predict says.
func TestAnswers(t *testing.T) {
	c := tiny(t)
	s := newServer(t, server.Options{Version: "1.2"}, model(t, "m", c, predict.BatcherOptions{}))
	file := picture(t, 90, 80)
	m, err := vision.Decode(file, vision.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	results, err := c.Predict(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	want := results[0]
	top := want.Top(3)
	same := func(what string, got []float32) {
		t.Helper()
		for i, logit := range want.Logits {
			if len(got) != classes || math.Abs(float64(got[i]-logit)) > 1e-4 {
				t.Errorf("%s: logits %v, want %v", what, got, want.Logits)
				return
			}
		}
	}

	for _, path := range []string{"/classify?top=3", "/models/m/classify?top=3"} {
		records := decode[[]predict.Record](t, ask(t, s, 200, "POST", path, file, "Content-Type", "application/x-www-form-urlencoded"))
		if len(records) != 1 || records[0].File != "-" || records[0].Width != 90 || len(records[0].Predictions) != 3 || records[0].Predictions[0].Label != top[0].Label {
			t.Errorf("%s: %+v, want %+v", path, records, top)
		}
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, data := range map[string][]byte{"a.png": file, "b.png": []byte("no picture")} {
		part, _ := w.CreateFormFile("picture", name)
		part.Write(data)
	}
	w.Close()
	records := decode[[]predict.Record](t, ask(t, s, 200, "POST", "/classify", form.Bytes(), "Content-Type", w.FormDataContentType()))
	slices.SortFunc(records, func(a, b predict.Record) int { return strings.Compare(a.File, b.File) })
	if len(records) != 2 || len(records[0].Predictions) != 5 || !strings.Contains(records[1].Error, "found text") {
		t.Errorf("the form's records are %+v", records)
	}

	type answer struct {
		ModelName string `json:"model_name"`
		ID        string `json:"id"`
		Outputs   []struct {
			Name, Datatype string
			Shape          []int64
			Data           json.RawMessage
		}
	}
	values := make([]float32, side*side*3)
	if err := c.Preprocessing().Apply(values, m); err != nil {
		t.Fatal(err)
	}
	tensor, _ := json.Marshal(values)
	b64 := base64.StdEncoding.EncodeToString(file)
	const infer = "/v2/models/m/infer"
	for what, w := range map[string]*httptest.ResponseRecorder{
		"raw":     ask(t, s, 200, "POST", infer, file, oip.HeaderLength, "0"),
		"base64":  ask(t, s, 200, "POST", "/v2/models/m/versions/1/infer", []byte(`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["`+b64+`"]}]}`)),
		"numbers": ask(t, s, 200, "POST", infer, []byte(`{"inputs":[{"name":"images","datatype":"FP32","shape":[1,75,75,3],"data":`+string(tensor)+`}]}`)),
	} {
		a := decode[answer](t, w)
		var shares []float64
		if len(a.Outputs) != 1 || json.Unmarshal(a.Outputs[0].Data, &shares) != nil || a.Outputs[0].Name != "probabilities" {
			t.Errorf("%s: %s", what, w.Body)
			continue
		}
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-5 }
		if !slices.EqualFunc(shares, want.Probabilities(), near) {
			t.Errorf("%s: probabilities %v, want %v", what, shares, want.Probabilities())
		}
	}
	classified := decode[answer](t, ask(t, s, 200, "POST", infer,
		[]byte(`{"id":"7","inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["`+b64+`"]}],"outputs":[{"name":"logits","parameters":{"classification":2}}]}`)))
	if wanted := fmt.Sprintf(`["%f:%d:%s","%f:%d:%s"]`, top[0].Logit, top[0].Index, top[0].Label, top[1].Logit, top[1].Index, top[1].Label); classified.ID != "7" ||
		string(classified.Outputs[0].Data) != wanted || classified.Outputs[0].Datatype != "BYTES" || !slices.Equal(classified.Outputs[0].Shape, []int64{1, 2}) {
		t.Errorf("%+v, want %s", classified, wanted)
	}
	nested := &bytes.Buffer{}
	for y := range side {
		row, _ := json.Marshal(slices.Collect(slices.Chunk(values[y*side*3:][:side*3], 3)))
		fmt.Fprintf(nested, "%s,", row)
	}
	image := "[" + strings.TrimSuffix(nested.String(), ",") + "]"
	for _, c := range []struct{ path, body, field string }{
		{"m:predict", `{"instances":[{"b64":"` + b64 + `"},{"images":{"b64":"` + b64 + `"}}]}`, "predictions"},
		{"m/versions/1:predict", `{"instances":[` + image + `,{"images":` + image + `}]}`, "predictions"},
		{"m:predict", `{"inputs":{"images":[` + image + `,` + image + `]}}`, "outputs"},
	} {
		v1 := decode[map[string][][]float64](t, ask(t, s, 200, "POST", "/v1/models/"+c.path, []byte(c.body)))[c.field]
		if len(v1) != 2 || len(v1[0]) != classes || math.Abs(v1[1][top[0].Index]-top[0].Probability) > 1e-5 {
			t.Errorf("%s: %v", c.path, v1)
		}
	}
	same("v1", decode[map[string][][]float32](t, ask(t, s, 200, "POST", "/v1/models/m:predict", []byte(`{"signature_name":"logits","instances":[{"b64":"`+b64+`"}]}`)))["predictions"][0])

	for path, part := range map[string]string{
		"/v2": `"version":"1.2"`, "/v2/health/live": `{"live":true}`, "/v2/health/ready": `{"ready":true}`, "/v2/models/m/ready": `"ready":true`,
		"/v2/models/m": `{"name":"images","datatype":"FP32","shape":[-1,75,75,3]}`, "/v2/models/m/versions/1/config": `"max_batch_size":64`,
		"/v1/models": `["m"]`, "/v1/models/m": `"ready":true,"model_version_status":[{"version":"1","state":"AVAILABLE"`,
		"/v1/models/m/versions/1": `"AVAILABLE"`, "/v1/models/m/metadata": `"serving_default":{"inputs":{"images":`, "/v1/models/m/versions/1/metadata": `"version":"1"`,
		"/metrics": `nv_inference_request_success{model="m",version="1"} 11`,
	} {
		if w := ask(t, s, 200, "GET", path, nil); !strings.Contains(w.Body.String(), part) || w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s: %s should contain %s", path, w.Body, part)
		}
	}
	s.Unready()
	ask(t, s, 503, "GET", "/v2/health/ready", nil)
	ask(t, s, 200, "GET", "/v2/health/live", nil)
	ask(t, s, 200, "POST", "/classify", file)
}

// TestFaults expects of each fault its status and what is wrong.
func TestFaults(t *testing.T) {
	s := newServer(t, server.Options{MaxBody: 1000}, model(t, "m", tiny(t), predict.BatcherOptions{}))
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/nowhere", "", 404, "/nowhere"},
		{"POST", "/v2/systemsharedmemory/region/r/register", "{}", 501, "shared memory"},
		{"POST", "/v1/models/m:predict", strings.Repeat("[", 100), 400, "deeper"},
		{"GET", "/classify", "", 405, "method POST"},
		{"POST", "/v2/models/x/infer", "{}", 404, `\"x\"`},
		{"GET", "/v2/models/m/versions/2", "", 404, "version 1"},
		{"GET", "/v1/models/m/versions/2", "", 404, "version 1"},
		{"GET", "/v1/models/m/labels/stable", "", 404, "no labels"},
		{"GET", "/v1/models/x/metadata", "", 404, `\"x\"`},
		{"POST", "/v1/models/m", "{}", 404, ":predict"},
		{"POST", "/v1/models/m:classify", "{}", 400, ":predict"},
		{"POST", "/v1/models/m/versions/2:predict", "{}", 404, "version 1"},
		{"POST", "/v1/models/m/labels/stable:predict", "{}", 404, "no labels"},
		{"POST", "/v1/models/x:predict", "{}", 404, `\"x\"`},
		{"POST", "/v1/models/m:predict", "{}", 400, "instances"},
		{"POST", "/v1/models/m:predict", `{"instances":[{"b64":"?"}]}`, 400, "base64"},
		{"POST", "/v1/models/m:predict", `{"instances":[{}]}`, 400, "instances[0]"},
		{"POST", "/v1/models/m:predict", `{"instances":[{"b64":"aaaa"}]}`, 400, "instances[0]"},
		{"POST", "/v1/models/m:predict", `{"inputs":[{"b64":"aaaa"}]}`, 400, "inputs[0]"},
		{"POST", "/classify?top=0", "x", 400, "top"},
		{"POST", "/classify?top=x", "x", 400, "top"},
		{"POST", "/classify", "", 400, "--data-binary"},
		{"POST", "/classify", "no picture", 400, "found text"},
		{"POST", "/classify", strings.Repeat("x", 1001), 413, "limit of 1000"},
		{"POST", "/v2/models/m/infer", `{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["aaaa"]}]}`, 400, "image 0 of 1"},
		{"POST", "/v2/models/m/infer", `{`, 400, "no JSON"},
	} {
		if w := ask(t, s, c.status, c.method, c.path, []byte(c.body)); !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %s should contain %s", c.method, c.path, w.Body, c.want)
		}
	}
	for _, header := range []string{"multipart/form-data", "multipart/form-data; boundary=b"} {
		ask(t, s, 400, "POST", "/classify", []byte("--c\r\n"), "Content-Type", header)
	}
	ask(t, s, 415, "POST", "/classify", []byte("x"), "Content-Encoding", "br")
	ask(t, s, 400, "POST", "/v2/models/m/infer", []byte("x"), oip.HeaderLength, "2")
	timed := `{"parameters":{"timeout":1},"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["` + base64.StdEncoding.EncodeToString(picture(t, 80, 80)) + `"]}]}`
	slow := newServer(t, server.Options{}, model(t, "m", tiny(t), predict.BatcherOptions{Delay: time.Hour}))
	if w := ask(t, slow, 504, "POST", "/v2/models/m/infer", []byte(timed)); !strings.Contains(w.Body.String(), "parameters.timeout") {
		t.Errorf("an image that is not classified in time: %s", w.Body)
	}
	small := newServer(t, server.Options{}, model(t, "m", tiny(t), predict.BatcherOptions{Bytes: 100}))
	ask(t, small, 413, "POST", "/classify", picture(t, 80, 80))
	ask(t, newServer(t, server.Options{}), 503, "POST", "/classify", picture(t, 80, 80))
}

// TestStops stops a server while a request is under way, which gets its answer.
func TestStops(t *testing.T) {
	s := newServer(t, server.Options{}, model(t, "m", tiny(t), predict.BatcherOptions{Batch: 2, Delay: time.Second}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener, server.Stopping{Delay: 2 * time.Second}) }()
	url := "http://" + listener.Addr().String()
	file := picture(t, 80, 80)
	answered := make(chan error, 1)
	go func() {
		r, err := http.Post(url+"/classify", "image/png", bytes.NewReader(file))
		if err == nil {
			var body []byte
			body, err = io.ReadAll(r.Body)
			r.Body.Close()
			if r.StatusCode != 200 {
				err = fmt.Errorf("%s: %s", r.Status, body)
			}
		}
		answered <- err
	}()
	until(t, "it waits", func() bool { return pending(t, s) == 1 })
	stop()
	until(t, "it is not ready", func() bool {
		r, err := http.Get(url + "/v2/health/ready")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode == 503
	})
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(url + "/v2/health/live"); err == nil {
		t.Error("it answers after its end")
	}
}
