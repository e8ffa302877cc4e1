package cel

import (
	"strings"
	"testing"
)

func TestEvaluateBool(t *testing.T) {
	for _, row := range []struct {
		source string
		want   bool
		err    string // contained; then want does not count
	}{
		{source: "true", want: true},
		{source: "!true"},
		{source: "'a' == \"a\"", want: true},
		{source: "'a' != 'a'"},
		{source: "'foo' in ['bar', 'foo']", want: true},
		{source: "'foo' in ['bar', 'baz',]"},
		{source: "!('foo' in ['foo'])"},
		{source: "'k' in {'k': 1}", want: true},
		{source: "{'k': 1}.k == 1 && {'k': 1}['k'] == 1", want: true},
		{source: "{1: 'a', 'b': 2,} == {'b': 2u, 1.0 == 1.0 ? 1 : 2: 'a'}", want: true},
		{source: "'release/v1'.matches('^release/v[0-9]+$')", want: true},
		{source: "matches('x', 'y')"},
		{source: "'abc'.startsWith('ab') && 'abc'.endsWith('bc') && 'abc'.contains('b')", want: true},
		{source: "size('héé') == 3 && 'abc'.size() == 3 && size([1, 2]) == 2 && size({}) == 0", want: true},
		{source: "1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 7 / 2 == 3 && -7 % 3 == -1", want: true},
		{source: "1 - 2 - 3 == -4 && - -1 == 1 && !!true", want: true},
		{source: "0x10 == 16 && 16u == 16 && 1e3 == 1000.0 && .5 < 1.5e0", want: true},
		{source: "1 < 2 && 2u > 1 && 1.5 >= 1 && 'a' < 'b' && false < true && -1 < 1u && 1u > -1", want: true},
		{source: "'a' + 'b' == 'ab' && [1] + [2] == [1, 2]", want: true},
		{source: "int('42') == 42 && string(42) == '42' && double('1.5') == 1.5 && bool('true') && uint(1) == 1u && int(2.9) == 2", want: true},
		{source: "'a' == 'b' ? false : true ? true : false", want: true},
		{source: "false || true && false"},
		{source: "1 / 0 == 1 || true", want: true},
		{source: "true || 1 / 0 == 1", want: true},
		{source: "1 / 0 == 1 && false"},
		{source: "[1, 2].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2].exists_one(x, x > 1)", want: true},
		{source: "['a'].map(x, x + 'b') == ['ab'] && [1, 2, 3].filter(x, x % 2 == 1) == [1, 3]", want: true},
		{source: "[1].all(x, [2].exists(y, y > x))", want: true},
		{source: "{'a': 1}.all(k, k == 'a')", want: true},
		{source: "[0, 1].exists(x, 1 / x == 1)", want: true},
		{source: "null == null && null != 0 && 'a' != 1", want: true},
		{source: `"\u00e9\n\x41\101" == 'é' + "\n" + 'AA'`, want: true},
		{source: `r'\d' == '\\d' && '''it's''' == "it's"`, want: true},
		{source: "true // a comment", want: true},
		{source: "[[1, 2], [3]][0][1] == 2", want: true},
		{source: "'$(steps.a.results.b)' == ''"},

		{source: "", err: "want a value, got the end"},
		{source: "1", err: "the value is of type int, not bool"},
		{source: "foo == 1", err: `undeclared reference to "foo"`},
		{source: "[1].all(x, x > 0) && x", err: `undeclared reference to "x"`},
		{source: "true true", err: `want the end, got "true"`},
		{source: "'a", err: "string without its end"},
		{source: `'\q'`, err: `escape \q' is not known`},
		{source: "1 + 'a' == 2", err: "found no matching overload for + applied to (int, string)"},
		{source: "1 && true", err: "found no matching overload for && applied to (int)"},
		{source: "1 ? true : false", err: "found no matching overload for ?: applied to (int)"},
		{source: "'a'.frobnicate()", err: "function frobnicate with 0 arguments is not supported"},
		{source: "timestamp('x') == 1", err: "function timestamp with 1 arguments is not supported"},
		{source: "9223372036854775807 + 1 == 0", err: "integer overflow"},
		{source: "9223372036854775808 == 0", err: "value out of range"},
		{source: "1 / 0 == 0", err: "division by zero"},
		{source: "[1][1] == 1", err: "index out of bounds: 1"},
		{source: "{'a': 1}.b == 1", err: "no such key: b"},
		{source: "{'a': 1, 'a': 2} == {}", err: "duplicate map key: a"},
		{source: "'a'.matches('(')", err: "missing closing"},
		{source: "true # x", err: "unexpected character '#'"},
		{source: strings.Repeat("(", 100000), err: "nested too deeply"},
		{source: strings.Repeat("!", 100000) + "true", err: "nested too deeply"},
	} {
		name := row.source
		if len(name) > 60 {
			name = name[:60]
		}
		t.Run(name, func(t *testing.T) {
			got, err := EvaluateBool(row.source)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Errorf("got %t, %v; want the error %q", got, err, row.err)
				}
				return
			}
			if err != nil || got != row.want {
				t.Errorf("got %t, %v; want %t", got, err, row.want)
			}
		})
	}
}

// A value in quotes is that value again, however odd.
func FuzzStringLiteral(f *testing.F) {
	f.Add("plain")
	f.Add(`quote " and ' and \ and` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		literal := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
		value, err := evaluate(literal)
		if err != nil || value != text {
			t.Errorf("%s gave %q (%v)", literal, value, err)
		}
	})
}

func FuzzEvaluate(f *testing.F) {
	for _, source := range []string{"1 + 2 == 3", "[1].all(x, x > 0)", "{'a': [1u, 2.5]}.a[0] in [1]", "'\\u00e9'.matches('é') ? !true : -1 < 0"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		_, _ = evaluate(source) // it must end, and not by a panic
	})
}
