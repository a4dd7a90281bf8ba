package printable

import "testing"

func TestNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"caf\u00e9.jpg":        {"caf\u00e9.jpg", "caf\u00e9.jpg"},
		"caf\xe9.jpg":          {`caf\xe9.jpg`, `caf\xe9.jpg`},
		"\xff\xfe":             {`\xff\xfe`, `\xff\xfe`},
		"a\nb\x1b[31m":         {"a\nb\x1b[31m", `a\x0ab\x1b[31m`},
		"a\ufffdb":             {"a\ufffdb", "a\ufffdb"},
		"\u0085":               {"\u0085", `\xc2\x85`},
		"\xf0\x9f\x98\x80\xf0": {"\U0001f600" + `\xf0`, "\U0001f600" + `\xf0`},
		"":                     {"", ""},
	} {
		if got := [2]string{UTF8(name), Line(name)}; got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
