package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestEvaluate(t *testing.T) {
	for _, row := range []struct {
		source string
		want   bool
		err    string
	}{
		{source: "true", want: true},
		{source: "'a' == 'a' && !('a' in ['b', 'c'])", want: true},
		{source: "'release-1'.startsWith('release') && size('é') == 1", want: true},
		{source: "'v1.2'.matches('^v[0-9]+')", want: true},
		{source: "[1, 2, 3].exists(x, x > 2) && {'a': 1}.a == 1", want: true},
		{source: "timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp('2026-01-01T00:30:00Z')", want: true},
		{source: "type(1) == int && has({'a': 1}.a) && b'a' == bytes('a')", want: true},
		{source: "'$(steps.a.results.b)' == ''"},
		{source: "", err: "Syntax error"},
		{source: "1 +", err: "ERROR: <input>:1:4: Syntax error"},
		{source: "1", err: "it is not evaluated to a boolean, but to a value of type int"},
		{source: "foo == 1", err: "undeclared reference to 'foo'"},
		{source: "'a' == 1", err: "found no matching overload for '_==_' applied to '(string, int)'"},
		{source: "false && 1 + 'a' == 2", err: "found no matching overload for '_+_'"},
		{source: "1 / 0 == 0", err: "division by zero"},
		{source: strings.Repeat("(", 1000) + "true" + strings.Repeat(")", 1000), err: "recursion"},
		{source: strings.Repeat("!", 100001) + "true", err: "size exceeds limit"},
		{source: nested(7, 40), err: "cost limit"},
	} {
		got, err := evaluate(row.source)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%.60s: got %t, %v; want the error %q", row.source, got, err, row.err)
			}
			continue
		}
		if err != nil || got != row.want {
			t.Errorf("%.60s: got %t, %v; want %t", row.source, got, err, row.want)
		}
	}
}

// nested is a comprehension in a comprehension, and so on: size to the power of depth turns.
func nested(depth, size int) string {
	if depth == 0 {
		return "true"
	}
	return "[" + strings.TrimSuffix(strings.Repeat("1,", size), ",") + "].all(x" + strings.Repeat("x", depth) + ", " + nested(depth-1, size) + ")"
}

func TestRun(t *testing.T) {
	for _, row := range []struct{ name, in, want, err string }{
		{"in order", `["true", "1 == 2"]`, `[{"holds":true},{"holds":false}]`, ""},
		{"none", `[]`, `[]`, ""},
		{"not a list", `{}`, "", "want a JSON list of expressions on stdin"},
		{"too much", `["` + strings.Repeat("a", maxInputSize) + `"]`, "", "the expressions have more than 4194304 bytes"},
	} {
		var out bytes.Buffer
		err := run(strings.NewReader(row.in), &out)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: %v, want %q", row.name, err, row.err)
			}
			continue
		}
		if err != nil || strings.TrimSpace(out.String()) != row.want {
			t.Errorf("%s: %s (%v), want %s", row.name, out.String(), err, row.want)
		}
	}
}

// Whatever the expression, it ends, and not by a panic.
func FuzzEvaluate(f *testing.F) {
	for _, source := range []string{"1 + 2 == 3", "[1].all(x, x > 0)", "{'a': [1u, 2.5]}.a[0] in [1]", "'\\u00e9'.matches('é') ? !true : -1 < 0"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		input, _ := json.Marshal([]string{source})
		if err := run(bytes.NewReader(input), &bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	})
}
