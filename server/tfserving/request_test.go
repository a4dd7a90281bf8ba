package tfserving

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/server/oip"
)

func testModel() *Model {
	return &Model{
		Name: "m", Version: "3", Input: "images", Shape: []int{1, 2, 3}, MaxBatch: 2,
		Signatures: map[string]Output{
			DefaultSignature: {"probabilities", 5}, "logits": {"logits", 5},
		},
	}
}

func TestParse(t *testing.T) {
	const numbers = `[ [[1, -2.5,3e-1], [0,5,6]] ]`
	file := Image{File: []byte("a?>")}
	values := Image{Values: []float32{1, -2.5, .3, 0, 5, 6}}
	for body, want := range map[string]Request{
		`{"instances":[{"b64":"YT8+"}]}`:                                    {Images: []Image{file}},
		`{"instances":[{"b64":"YT8-"},{"images":{"b64":"YT8+"}}],"x":1}`:    {Images: []Image{file, file}},
		`{"signature_name":"","instances":[` + numbers + `]}`:               {Images: []Image{values}},
		`{"instances":[{"images":` + numbers + `},` + numbers + `]}`:        {Images: []Image{values, values}},
		`{"signature_name":"logits","inputs":[` + numbers + `]}`:            {Columns: true, Images: []Image{values}, Output: Output{"logits", 5}},
		`{"inputs":{"images":[{"b64":"YT8+"},{"b64":"YT8"}]}, "more":[{}]}`: {Columns: true, Images: []Image{file, {File: []byte("a?")}}},
	} {
		if want.Output.Name == "" {
			want.Output = Output{"probabilities", 5}
		}
		got, err := testModel().Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, want %+v", body, *got, want)
		}
	}
}

func TestFaults(t *testing.T) {
	for body, part := range map[string]string{
		``:                             "the body is empty",
		`{`:                            "no JSON",
		`[]`:                           "found a JSON array",
		`{}`:                           "found neither",
		`{"instances":[],"inputs":[]}`: "give one of them",
		`{"instances":null}`:           "instances: expected an array",
		`{"instances":{"b64":"YQ=="}}`: "instances: expected an array",
		`{"instances":[]}`:             "expected 1 to 2 images in a request, found 0",
		`{"instances":[1,2,3]}`:        "expected 1 to 2 images in a request, found 3",
		`{"instances":["YQ=="]}`:       `instances[0]: expected {"b64": "..."}`,
		`{"instances":[{}]}`:           `instances[0]: the model m has the input "images", found []`,
		`{"instances":[{"images":{"b64":"YQ=="},"key":1}]}`:        `the input "images", found ["images" "key"]`,
		`{"instances":[{"b64":"YQ=="},{"image":1}]}`:               `instances[1]: the model m has the input "images", found ["image"]`,
		`{"instances":[{"b64":1}]}`:                                `instances[0]: expected {"b64": "..."}`,
		`{"instances":[{"b64":"?"}]}`:                              "instances[0].b64: expected the file of a picture in base64",
		`{"instances":[{"b64":""}]}`:                               "found nothing",
		`{"instances":[{"images":{"b64":"YQ==","x":1}}]}`:          `instances[0]: expected {"b64": "..."}`,
		`{"instances":[{"b64":"YQ=="},[[[1,2,3],[4,5,6]]]]}`:       "instances[1]: the images of a request must be all files or all numbers",
		`{"inputs":{"images":{"b64":"YQ=="}}}`:                     "inputs: expected an array",
		`{"inputs":{"other":[]}}`:                                  `inputs: the model m has the input "images"`,
		`{"signature_name":1}`:                                     "signature_name: expected a string",
		`{"signature_name":"x","instances":[]}`:                    `signature_name: the model m has the signatures ["logits" "serving_default"], found "x"`,
		`{"instances":[[]]}`:                                       "found fewer",
		`{"instances":[[[[1,2,3],[4,5]]]]}`:                        "ends at 2 elements",
		`{"instances":[[[[1,2,3],[4,5,6,7]]]]}`:                    "goes on",
		`{"instances":[[[[1,2,3],[4,5,6]],[[1,2,3],[4,5,6]]]]}`:    "goes on",
		`{"instances":[[[[1,2,3],[4,5,1e99]]]]}`:                   "number 5 is 1e99",
		`{"instances":[[[[1,2,3],[4,5,null]]]]}`:                   "number 5 is null",
		`{"instances":[[[1,2,3,4,5,6,7,8,9]]]}`:                    "after 0 numbers there is 1,2",
		`{"instances":` + strings.Repeat("[", 99):                  "deeper",
		`{"instances":[[[[[1],[2],[3]],[[4],[5],[6]]]]]}`:          "number 0 is [1",
		`{"instances":["` + strings.Repeat("\u00e9", 40) + `"]}`:   `...`,
		`{"instances":[[[["1","2","3"],["4","5","6"]]]]}`:          `number 0 is "1"`,
		`{"instances":[[[[true,false,true],[true,false,false]]]]}`: "number 0 is true",
	} {
		_, err := testModel().Parse([]byte(body))
		var fault *oip.Error
		if !errors.As(err, &fault) || fault.Status != 400 || !strings.Contains(fault.Message, part) {
			t.Errorf("%s: %v, expected %s", body, err, part)
		}
	}
}

// TestAnswers expects what the documentation of TensorFlow Serving shows.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{(&Request{}).Answer([][]float32{{1, .5}}), `{"predictions":[[1,0.5]]}`},
		{(&Request{Columns: true}).Answer([][]float32{{1, .5}}), `{"outputs":[[1,0.5]]}`},
		{StatusOf("3", Available), `{"version":"3","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}`},
	} {
		if got, err := json.Marshal(c.value); err != nil || string(got) != c.want {
			t.Errorf("%s, %v, want %s", got, err, c.want)
		}
	}
	text, err := json.Marshal(testModel().Metadata())
	if err != nil {
		t.Fatal(err)
	}
	dim := func(n int) string { return fmt.Sprintf(`{"size":"%d","name":""}`, n) }
	for _, part := range []string{
		`{"model_spec":{"name":"m","signature_name":"","version":"3"},"metadata":{"signature_def":{"signature_def":{"logits":{"inputs":{"images":{`,
		`"tensor_shape":{"dim":[` + dim(-1) + `,` + dim(1) + `,` + dim(2) + `,` + dim(3) + `],"unknown_rank":false},"name":"images:0"}`,
		`"serving_default":{`, `"outputs":{"probabilities":{"dtype":"DT_FLOAT","tensor_shape":{"dim":[` + dim(-1) + `,` + dim(5) + `]`, `"method_name":"tensorflow/serving/predict"`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s should contain %s", text, part)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"instances":[{"b64":"YT8+"},{"images":{"b64":"YT8+"}}]}`, `{"signature_name":"logits","inputs":{"images":[[[[1,2,3],[4,5,6]]]]}}`,
		`{"instances":[ [ [[1, -2.5,3e-1], [0,5,6]] ] ]}`, `{"inputs":[{"b64":""}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := testModel().Parse(body)
		if err != nil {
			return
		}
		for i, image := range r.Images {
			if (len(image.File) > 0) == (len(image.Values) == 6) {
				t.Errorf("image %d of %q is %+v", i, body, image)
			}
		}
	})
}

// TestManyParts sends requests of which a few bytes become hundreds, where they are read whole.
func TestManyParts(t *testing.T) {
	const count = 1 << 20
	zeros, members := strings.Repeat("0,", count)+"0", strings.Repeat(`"a":0,`, count)+`"a":0`
	for name, c := range map[string]struct{ text, want string }{
		"instances":        {`{"instances":[` + zeros + `]}`, fmt.Sprintf("expected 1 to 2 images in a request, found %d", count+1)},
		"inputs":           {`{"inputs":{"images":[` + zeros + `]}}`, fmt.Sprintf("expected 1 to 2 images in a request, found %d", count+1)},
		"members":          {`{"inputs":{` + members + `}}`, fmt.Sprintf("expected an object of one member, found %d", count+1)},
		"members of a row": {`{"instances":[{` + members + `}]}`, fmt.Sprintf("instances[0]: expected an object of one member, found %d", count+1)},
		"others":           {`{"a":[` + zeros + `]}`, "more than 10000 elements"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := testModel().Parse([]byte(c.text))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 4*uint64(len(c.text)) {
			t.Errorf("%s: %d bytes of JSON took %d", name, len(c.text), took)
		}
	}
}
