package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lines are what the results sidecar of a pod of steps a and b has printed when it ended, without the pod's directory.
func (p pod) lines(more ...string) (lines []string, exit int) {
	p.Helper()
	started := p.start(nil, append(append([]string{"results", "-tekton_dir", p.dir}, more...), "--", "step-a", "step-b")...)
	exit = started.end()
	text := strings.ReplaceAll(started.stdout.String()+started.stderr.String(), p.dir, "")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), exit
}

func TestResultsSidecar(t *testing.T) {
	for _, row := range []struct {
		name string
		// left are the files that the steps left, by their path below /tekton.
		left map[string]string
		// plant is run in /tekton afterwards.
		plant string
		flags []string
		want  []string
	}{
		{name: "nothing", flags: []string{"-results", "r"}, want: []string{`{"name":"","value":"0","type":"end"}`}},
		{
			name:  "results of the Task and of its steps in the order of the flags",
			left:  map[string]string{"results/b": "two\n", "results/a": `<"one">`, "run/0/status/results/s": "of a", "run/1/status/results/s": "of b", "results/undeclared": "x"},
			flags: []string{"-results", "b,a,missing", "-step_results", `{"step-b":["s"],"step-a":["s"],"step-z":["s"]}`},
			want: []string{
				`{"name":"b","value":"two\n","type":"task"}`,
				`{"name":"a","value":"<\"one\">","type":"task"}`,
				`{"name":"step-a.s","value":"of a","type":"step"}`,
				`{"name":"step-b.s","value":"of b","type":"step"}`,
				`{"name":"","value":"4","type":"end"}`,
			},
		},
		{
			name: "artifacts",
			left: map[string]string{"run/1/status/artifacts/provenance.json": `{"outputs":[]}`, "artifacts/provenance.json": "{}"},
			want: []string{
				`{"name":"step-b","value":"{\"outputs\":[]}","type":"stepArtifact"}`,
				`{"name":"/artifacts/provenance.json","value":"{}","type":"taskArtifact"}`,
				`{"name":"","value":"2","type":"end"}`,
			},
		},
		{
			name:  "a value that looks like lines of the log stays one value",
			left:  map[string]string{"results/r": "\"}\n{\"name\":\"step-b.s\",\"value\":\"forged\",\"type\":\"step\"}\n"},
			flags: []string{"-results", "r", "-step_results", `{"step-b":["s"]}`},
			want:  []string{`{"name":"r","value":"\"}\n{\"name\":\"step-b.s\",\"value\":\"forged\",\"type\":\"step\"}\n","type":"task"}`, `{"name":"","value":"1","type":"end"}`},
		},
		{
			name:  "one that is too large",
			left:  map[string]string{"results/r": strings.Repeat("x", 11), "results/fits": strings.Repeat("x", 10)},
			flags: []string{"-results", "r,fits", "-max_result_size", "10"},
			want:  []string{`{"name":"r","value":"","type":"task","size":11,"limit":10}`, `{"name":"fits","value":"xxxxxxxxxx","type":"task"}`, `{"name":"","value":"2","type":"end"}`},
		},
		{
			name:  "a gigabyte of nothing",
			plant: "truncate -s 1G results/r",
			flags: []string{"-results", "r"},
			want:  []string{`{"name":"r","value":"","type":"task","size":1073741824,"limit":4096}`, `{"name":"","value":"1","type":"end"}`},
		},
		{
			name:  "what is no text",
			left:  map[string]string{"results/r": "a\xffb"},
			flags: []string{"-results", "r"},
			want:  []string{`{"name":"r","value":"a\ufffdb","type":"task"}`, `{"name":"","value":"1","type":"end"}`},
		},
		{
			name:  "a link and a pipe and a folder that leads elsewhere",
			left:  map[string]string{"secret": secret, "other/s": secret},
			plant: "ln -s $D/secret results/link; mkfifo results/pipe; rm -r run/1/status/results; ln -s $D/other run/1/status/results",
			flags: []string{"-results", "link,pipe", "-step_results", `{"step-b":["s"]}`},
			want: []string{
				`{"name":"link","value":"","type":"task","problem":"/results/link is a symbolic link, not a regular file"}`,
				`{"name":"pipe","value":"","type":"task","problem":"/results/pipe is a named pipe, not a regular file"}`,
				`{"name":"step-b.s","value":"","type":"step","problem":"/run/1/status/results is a symbolic link, not a directory"}`,
				`{"name":"","value":"3","type":"end"}`,
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			for name, content := range row.left {
				p.write(name, content)
			}
			p.must(os.MkdirAll(p.path("run/1/status/results"), 0o777))
			p.write("run/0/out", "")
			p.write("run/1/out", "")
			if row.plant != "" {
				p.step(2, nil, nil, "sh", "-c", "cd "+p.dir+"; "+strings.ReplaceAll(row.plant, "$D", p.dir))
			}
			lines, exit := p.lines(row.flags...)
			if got, want := strings.Join(lines, "\n"), strings.Join(row.want, "\n"); exit != 0 || got != want {
				t.Errorf("exit %d, log\n%s\nwant\n%s", exit, got, want)
			}
		})
	}
}

// More than can be stored with a run is not printed, however many results there are.
func TestResultsSidecarTellsWhenAllIsTooMuch(t *testing.T) {
	p := newPod(t)
	for _, name := range []string{"a", "b", "c"} {
		p.write("results/"+name, strings.Repeat("x", 600_000))
	}
	p.write("run/0/out", "")
	p.write("run/1/out", "")
	lines, exit := p.lines("-results", "a,b,c", "-max_result_size", "1000000")
	want := []string{`{"name":"","value":"","type":"total","size":1800000,"limit":1500000}`, `{"name":"","value":"3","type":"end"}`}
	if exit != 0 || len(lines) != 4 || strings.Join(lines[2:], "\n") != strings.Join(want, "\n") {
		t.Errorf("exit %d, %d lines, the last ones %s", exit, len(lines), lines[max(0, len(lines)-2):])
	}
}

// Nothing is told before the last step has ended, and steps that are killed end too.
func TestResultsSidecarWaitsForTheSteps(t *testing.T) {
	p := newPod(t)
	sidecar := p.start(nil, "results", "-tekton_dir", p.dir, "-results", "r", "-polling_interval", "0s", "--", "step-a", "step-b")
	p.step(0, nil, nil, "sh", "-c", "printf early > "+p.path("results/r"))
	last := p.start(nil, append(p.flags(1), "-entrypoint", "sh", "--", "-c", "printf late > "+p.path("results/r")+"; touch "+p.path("began")+"; sleep 60")...)
	p.eventually("step b runs", func() bool { return p.exists("began") })
	if sidecar.ProcessState != nil || sidecar.stdout.Len() > 0 {
		t.Fatalf("it did not wait: %q", sidecar.stdout)
	}
	// Only who saw a lock held can tell that its holder died.
	p.eventually("the sidecar watches step b", func() bool { return hasOpen(sidecar, p.path("run/1/out.lock")) })
	p.must(last.Process.Signal(syscall.SIGKILL))
	began := time.Now()
	exit := sidecar.end()
	if got := sidecar.stdout.String(); exit != 0 || !strings.HasPrefix(got, `{"name":"r","value":"late","type":"task"}`) {
		t.Errorf("exit %d after %v, log %q, %q", exit, time.Since(began), got, sidecar.stderr)
	}
}

// A step that died before the sidecar was up, so that nobody holds its lock any more, keeps nothing back: the step after
// it has skipped.
func TestResultsSidecarAfterAStepThatDiedUnseen(t *testing.T) {
	t.Parallel()
	p := newPod(t)
	p.write("results/r", "left")
	p.write("run/0/out.lock", "")
	p.write("run/1/out.err", "")
	lines, exit := p.lines("-results", "r")
	if want := `{"name":"r","value":"left","type":"task"}`; exit != 0 || lines[0] != want {
		t.Errorf("exit %d, log %q", exit, lines)
	}
}

// hasOpen says whether a process has the file open.
func hasOpen(started process, file string) bool {
	folder := fmt.Sprintf("/proc/%d/fd", started.Process.Pid)
	entries, _ := os.ReadDir(folder)
	return slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		target, err := os.Readlink(filepath.Join(folder, entry.Name()))
		return err == nil && target == file
	})
}

func TestResultsSidecarRefuses(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"results"}, "want the STEPs of the pod, got none"},
		{[]string{"results", "-step_results", "[", "step-a"}, "-step_results: unexpected end of JSON input"},
		{[]string{"results", "-max_result_size", "2000000", "step-a"}, "-max_result_size: 2000000 is not between 0 and 1572864"},
		{[]string{"results", "-nope", "step-a"}, "flag provided but not defined: -nope"},
	} {
		started := newPod(t).start(nil, row.args...)
		if exit := started.end(); exit != 1 || !strings.Contains(started.stderr.String(), row.want) {
			t.Errorf("%v: exit %d, %q, want %q", row.args, exit, started.stderr, row.want)
		}
	}
}
