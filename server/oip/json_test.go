package oip

import (
	"runtime"
	"strings"
	"testing"
)

// TestManyParts sends requests of which a few bytes become hundreds, where they are read
// whole: they are refused before.
func TestManyParts(t *testing.T) {
	const size = 4 << 20
	many := func(before, part, after string) string {
		return before + strings.Repeat(part+",", (size-len(before)-len(after))/(len(part)+1)) + part + after
	}
	for name, c := range map[string]struct{ text, want string }{
		"inputs":     {many(`{"inputs":[`, `{}`, `]}`), "more than 10000 elements"},
		"outputs":    {many(`{"outputs":[`, `0`, `]}`), "more than 10000 elements"},
		"shape":      {many(`{"inputs":[{"name":"images","datatype":"FP32","shape":[`, `0`, `]}]}`), "more than 10000 elements"},
		"parameters": {many(`{"parameters":{"a":[`, `0`, `]}}`), "more than 10000 elements"},
		"no data":    {many(`{"parameters":{"inputs":[{"data":[`, `0`, `]}]}}`), "more than 10000 elements"},
		"members":    {many(`{`, `"a":0`, `}`), "more than 10000 elements"},
		"files":      {many(`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":[`, `0`, `]}]}`), "expected 1 strings, as the shape says, found 20"},
		"a file":     {many(`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1,1],"data":[[`, `0`, `]]}]}`), "expected an array of one string"},
		"numbers":    {many(`{"inputs":[{"name":"images","datatype":"FP32","shape":[1,2,2,3],"data":[`, `0`, `]}]}`), "expected 12 numbers, as the shape says, found more"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := model.Parse([]byte(c.text), nil)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 3*size {
			t.Errorf("%s: %d bytes of JSON took %d", name, len(c.text), took)
		}
	}
}

func TestElements(t *testing.T) {
	for text, want := range map[string]struct {
		parts string
		count int
	}{
		`[]`: {"", 0}, `[ ]`: {"", 0}, `{}`: {"", 0}, `[1]`: {"1", 1}, `[ "a,]" , {"b":[1,2]},[3,[4]]]`: {`"a,]"|{"b":[1,2]}`, 3},
		`{"a":[1,2],"b\"}":{}}`: {`"a":[1,2]|"b\"}":{}`, 2}, `["\\",2]`: {`"\\"|2`, 2},
	} {
		parts, count := Elements([]byte(text), 2)
		var all []string
		for _, p := range parts {
			all = append(all, string(p))
		}
		if got := strings.Join(all, "|"); got != want.parts || count != want.count {
			t.Errorf("%s: %s of %d, want %s of %d", text, got, count, want.parts, want.count)
		}
	}
}
