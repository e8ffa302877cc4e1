package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// stepFilesWith are files by `step-NAME/...`, under the links that the init container makes.
func stepFilesWith(t *testing.T, files map[string]string) *stepFiles {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		step, rest, _ := strings.Cut(name, "/")
		status := filepath.Join(dir, "run", step, "status")
		if err := os.MkdirAll(filepath.Join(dir, "steps"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(status, filepath.Join(dir, "steps", step)); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
		path := filepath.Join(status, rest)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &stepFiles{stepsDir: filepath.Join(dir, "steps")}
}

func TestExpand(t *testing.T) {
	files := stepFilesWith(t, map[string]string{
		"step-a/results/text":              "plain text\n",
		"step-a/results/quoted":            `"a \"b\""`,
		"step-a/results/number":            "42",
		"step-a/results/list":              `["x","y z",""]`,
		"step-a/results/empty-list":        `[]`,
		"step-a/results/numbers":           `[1,2]`,
		"step-a/results/object":            `{"url":"https://x","n":""}`,
		"step-a/results/empty":             "",
		"step-a/results/sneaky":            "$(steps.a.results.number)",
		"step-unnamed-1/results/r":         "u",
		"step-a/artifacts/provenance.json": `{"inputs":[{"name":"src","values":[{"uri":"git"}]}],"outputs":[{"name":"i","buildOutput":true,"values":[{"digest":{"sha256":"d"},"uri":"u"}]},{"name":"j","values":[]}]}`,
		"step-b/artifacts/provenance.json": `{}`,
	})
	const (
		image = `[{"digest":{"sha256":"d"},"uri":"u"}]`
	)
	for _, row := range []struct {
		text string
		want []string
	}{
		{"no reference", []string{"no reference"}},
		{"", []string{""}},
		{"$(steps.a.results.text)", []string{"plain text\n"}},
		{"$(steps.a.results.quoted)", []string{`a "b"`}},
		{"$(steps.a.results.number)", []string{"42"}},
		{"$(steps.a.results.empty)", []string{""}},
		{"<$(steps.a.results.number)|$(steps.unnamed-1.results.r)>", []string{"<42|u>"}},
		{"$(steps.a.results.number) $(steps.a.results.number)", []string{"42 42"}},
		{"$(steps.a.results.list[0])", []string{"x"}},
		{"$(steps.a.results.list[1])!", []string{"y z!"}},
		{"$(steps.a.results.list[3])", []string{"$(steps.a.results.list[3])"}},
		{"$(steps.a.results.list[99999999999999999999])", []string{"$(steps.a.results.list[99999999999999999999])"}},
		{"$(steps.a.results.list[*])", []string{"x", "y z", ""}},
		{"$(steps.a.results.empty-list[*])", nil},
		{"all: $(steps.a.results.list[*])", []string{"all: $(steps.a.results.list[*])"}},
		{"$(steps.a.results.list)", []string{`["x","y z",""]`}},
		{"$(steps.a.results.numbers)", []string{"[1,2]"}},
		{"$(steps.a.results.text[*])", []string{"$(steps.a.results.text[*])"}},
		{"$(steps.a.results.object.url)", []string{"https://x"}},
		{"$(steps.a.results.object.n)", []string{""}},
		{"$(steps.a.results.object.none)", []string{"$(steps.a.results.object.none)"}},
		{"$(steps.a.results.object.url.x)", []string{"$(steps.a.results.object.url.x)"}},
		{"$(steps.none.results.text)", []string{"$(steps.none.results.text)"}},
		{"$(steps.a.results.sneaky)", []string{"$(steps.a.results.number)"}},
		{"$(steps.a.results.../../text)", []string{"$(steps.a.results.../../text)"}},
		{"$$(steps.a.results.number)", []string{"$42"}},
		{"$(params.x) $(steps.a.results.number)", []string{"$(params.x) 42"}},
		{"$(steps.a.outputs)", []string{image}},
		{"$(steps.a.outputs.i)", []string{image}},
		{"$(steps.a.outputs.j)", []string{"[]"}},
		{"$(steps.a.inputs.src)", []string{`[{"uri":"git"}]`}},
		{"$(steps.a.outputs.none)", []string{"$(steps.a.outputs.none)"}},
		{"$(steps.b.outputs)", []string{"$(steps.b.outputs)"}},
		{"$(steps.a.other)", []string{"$(steps.a.other)"}},
	} {
		if got := files.expandList([]string{row.text}); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %q, want %q", row.text, got, row.want)
		}
	}
	environment := files.expandEnv([]string{"A=$(steps.a.results.number)", "B=$(steps.a.results.list[*])", "C", "D=x=$(steps.a.results.list[0])", "E="})
	if want := []string{"A=42", "B=$(steps.a.results.list[*])", "C", "D=x=x", "E="}; !reflect.DeepEqual(environment, want) {
		t.Errorf("environment %q, want %q", environment, want)
	}
}

// Whatever surrounds it, a reference is replaced by exactly the value, and text without references is not touched.
func FuzzExpand(f *testing.F) {
	f.Add("before ", "value", " after")
	f.Add("$(", "$(steps.a.results.r)", ")")
	f.Add("$(steps.a.results.", "[\"x\"]", "$(steps.a.outputs)")
	f.Fuzz(func(t *testing.T, before, value, after string) {
		files := stepFilesWith(t, map[string]string{"step-a/results/r": value})
		for _, text := range []string{before, after} {
			if strings.Contains(text, "$(steps.") {
				return
			}
			if got := files.expandText(text); got != text {
				t.Errorf("%q became %q", text, got)
			}
		}
		parsed := parseResultValue([]byte(value))
		want := parsed.text
		if parsed.list != nil || parsed.object != nil {
			want = value
		}
		// Text before may begin a reference that ends inside ours; then the inner one alone counts.
		if got := files.expandText(before + "$(steps.a.results.r)" + after); got != before+want+after {
			t.Errorf("%q + reference + %q with value %q gave %q", before, after, value, got)
		}
	})
}

func TestExpandScript(t *testing.T) {
	files := stepFilesWith(t, map[string]string{
		"step-a/artifacts/provenance.json": `{"outputs":[{"name":"i","values":[{"uri":"u"}]}]}`,
		"step-a/results/r":                 "injected",
		"scripts/with":                     "echo '$(steps.a.outputs.i)' '$(steps.a.results.r)'",
		"scripts/without":                  "echo hi",
	})
	scripts := filepath.Join(files.stepsDir, "scripts")
	t.Setenv("TMPDIR", t.TempDir())
	for _, row := range []struct {
		name    string
		command []string
		same    bool
	}{
		{"a script with a reference", []string{scripts + "/with"}, false},
		{"a script without", []string{scripts + "/without"}, true},
		{"a script with arguments", []string{scripts + "/with", "x"}, true},
		{"no script", []string{"/bin/with"}, true},
	} {
		got, err := files.expandScript(row.command, scripts)
		if err != nil || reflect.DeepEqual(got, row.command) != row.same {
			t.Errorf("%s: %q (%v)", row.name, got, err)
		}
		if row.same {
			continue
		}
		// Results stay out of scripts, as everywhere: they could inject commands.
		content, err := os.ReadFile(got[0])
		if want := `echo '[{"uri":"u"}]' '$(steps.a.results.r)'`; err != nil || string(content) != want || modeOf(t, got[0]) != 0o755 {
			t.Errorf("%s: %q, want %q (%v)", row.name, content, want, err)
		}
	}
}
