package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const secret = "SIGNING-KEY-OF-STEP-B"

// What one step plants for itself or for the next: the step that would read it fails by name, at once, and tells
// nothing of what lies behind.
func TestHostileFiles(t *testing.T) {
	for _, row := range []struct {
		name string
		// plant is run by step a, in the pod's directory; secret is a file that only step b has mounted.
		plant string
		// flags of step b, which runs `true` when reads is empty, else that command.
		flags []string
		reads []string
		root  bool
		why   string
	}{
		{name: "task result: link to a file of the next step", plant: "ln -s $D/secret results/r", why: `task result "r": /results/r is a symbolic link, not a regular file`},
		{name: "task result: link to the environment", plant: "ln -s /proc/self/environ results/r", why: "is a symbolic link"},
		{name: "task result: link to a file without end", plant: "ln -s /dev/zero results/r", why: "is a symbolic link"},
		{name: "task result: link to nothing", plant: "ln -s nowhere results/r", why: "is a symbolic link"},
		{name: "task result: pipe", plant: "mkfifo results/r", why: "is a named pipe"},
		{name: "task result: directory", plant: "mkdir results/r", why: "is a directory"},
		{name: "task result: device", plant: "mknod results/r c 1 5", root: true, why: "is a device"},
		{name: "task artifacts: link", plant: "ln -s $D/secret artifacts/provenance.json", why: "the Task's artifacts: /artifacts/provenance.json is a symbolic link"},
		{name: "task artifacts: pipe", plant: "mkfifo artifacts/provenance.json", why: "the Task's artifacts: /artifacts/provenance.json is a named pipe"},
		{name: "task artifacts: a gigabyte of nothing", plant: "truncate -s 1G artifacts/provenance.json", why: "the Task's artifacts has 1073741824 bytes"},
		{name: "step result of step a: link", plant: "ln -s $D/secret run/0/status/results/s", reads: []string{"echo", "$(steps.a.results.s)"}, why: "/run/0/status/results/s is a symbolic link"},
		{name: "step result of step a: pipe", plant: "mkfifo run/0/status/results/s", reads: []string{"echo", "$(steps.a.results.s[*])"}, why: "/run/0/status/results/s is a named pipe"},
		{name: "step result of step a: a gigabyte", plant: "truncate -s 1G run/0/status/results/s", reads: []string{"echo", "$(steps.a.results.s)"}, why: "/run/0/status/results/s has 1073741824 bytes"},
		{name: "step result of step a in a guard", plant: "ln -s $D/secret run/0/status/results/s", flags: []string{"-when_expressions", `[{"input":"$(steps.a.results.s)","operator":"in","values":["x"]}]`}, why: "/run/0/status/results/s is a symbolic link"},
		{name: "results folder of step a: link", plant: "mv run/0/status/results x; ln -s $D/other run/0/status/results", reads: []string{"echo", "$(steps.a.results.s)"}, why: "/run/0/status/results is a symbolic link, not a directory"},
		{name: "status folder of step a: link", plant: "mv run/0/status x; mkdir other/results; ln -s $D/secret other/results/s; ln -s $D/other run/0/status", reads: []string{"echo", "$(steps.a.results.s)"}, why: "/run/0/status is a symbolic link, not a directory"},
		{name: "artifacts of step a: link", plant: "ln -s $D/secret run/0/status/artifacts/provenance.json", reads: []string{"echo", "$(steps.a.outputs)"}, why: "/run/0/status/artifacts/provenance.json is a symbolic link"},
		{name: "lock of step a: pipe", plant: "rm run/0/out.lock; mkfifo run/0/out.lock"},
		{name: "exit code of step a: pipe", plant: "mkfifo run/0/status/exitCode"},
		{name: "post file of step a: pipe", plant: "mkfifo run/0/out.err"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.root && os.Getuid() != 0 {
				t.Skip("needs root")
			}
			p := newPod(t)
			p.write("other/s", secret)
			p.write("secret", secret)
			p.must(os.MkdirAll(p.path("artifacts"), 0o777))
			// Step a itself reports nothing here: its entrypoint fails over its own plants in the same way.
			p.step(0, nil, []string{"-result_from", "sidecar-logs"}, "sh", "-c", "cd "+p.dir+"; "+strings.ReplaceAll(row.plant, "$D", p.dir))
			reads := row.reads
			if reads == nil {
				reads = []string{"true"}
			}
			began := time.Now()
			run, exit := p.step(1, nil, append([]string{"-results", "r"}, row.flags...), reads...)
			if took := time.Since(began); took > 5*time.Second { // it takes milliseconds; a hang has no end
				t.Errorf("it took %v", took)
			}
			message := p.message(1)
			if strings.Contains(message+run.stdout.String()+run.stderr.String(), secret) {
				t.Errorf("the secret is out: message %q, stdout %q, stderr %q", message, run.stdout, run.stderr)
			}
			if row.why == "" {
				if exit != 0 {
					t.Errorf("exit %d, stderr %q", exit, run.stderr)
				}
				return
			}
			if exit != 1 || !p.exists("run/1/out.err") || !strings.Contains(message, row.why) {
				t.Errorf("exit %d, message %q, want %q in it; stderr %q", exit, message, row.why, run.stderr)
			}
		})
	}
}

// The step that plants is the one that fails, before the next begins.
func TestStepFailsOverItsOwnPlants(t *testing.T) {
	for _, row := range []struct{ name, plant, why string }{
		{"task result", "ln -s /proc/self/environ results/r", `3:Reason=TaskRunResultNotAFile 3:Message=task result "r": /results/r is a symbolic link, not a regular file`},
		{"a gigabyte of nothing", "truncate -s 1G results/r", `3:Reason=TaskRunResultLargerThanAllowedLimit 3:Message=task result "r" has 1073741824 bytes, and all that this step reports may have 4096`},
		{"step result", "mkfifo run/0/status/results/s", `3:Reason=TaskRunResultNotAFile 3:Message=step result "s": /run/0/status/results/s is a named pipe, not a regular file`},
		{"its own folder", "mv run/0/status x; ln -s $D/x run/0/status", `3:Reason=TaskRunResultNotAFile 3:Message=step result "s": /run/0/status is a symbolic link, not a directory`},
		{"its artifacts", "ln -s /etc/hosts run/0/status/artifacts/provenance.json", `3:Reason=TaskRunResultNotAFile 3:Message=the step's artifacts: /run/0/status/artifacts/provenance.json is a symbolic link, not a regular file`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			run, exit := p.step(0, []string{"TOKEN=" + secret}, []string{"-results", "r", "-step_results", "s", "-on_error", "continue"}, "sh", "-c", "cd "+p.dir+"; "+strings.ReplaceAll(row.plant, "$D", p.dir))
			if message := p.message(0); exit != 1 || message != row.why || !p.exists("run/0/out.err") {
				t.Errorf("exit %d, message %q, want %q; stderr %q", exit, message, row.why, run.stderr)
			}
		})
	}
}

// Binary content is told as text with replacement characters, as upstream, and the log says so.
func TestBinaryResult(t *testing.T) {
	p := newPod(t)
	run, exit := p.step(0, nil, []string{"-results", "r"}, "sh", "-c", `printf 'a\377b' > `+p.path("results/r"))
	if exit != 0 || p.message(0) != "1:r=a\uFFFDb" || !strings.Contains(run.stderr.String(), `task result "r" is not UTF-8 text`) {
		t.Errorf("exit %d, message %q, stderr %q", exit, p.message(0), run.stderr)
	}
}

// A full message that the command left does not keep the entrypoint from saying why the step failed.
func TestCommandCannotFillTheMessage(t *testing.T) {
	p := newPod(t)
	_, exit := p.step(0, nil, []string{"-results", "r"}, "sh", "-c", `printf x > `+p.path("results/r")+`; (printf '[{"key":"k","value":"'; head -c 4000 /dev/zero | tr '\0' x; printf '","type":1}]') > `+p.path("termination-0"))
	if message := p.message(0); exit != 1 || !strings.HasPrefix(message, "3:Reason=TaskRunResultLargerThanAllowedLimit 3:Message=task result \"k\" has 4000 bytes") {
		t.Errorf("exit %d, message %q", exit, message)
	}
}

// However quickly files and folders are swapped, only what lies below the folder is read.
func TestSwapsWinNoRace(t *testing.T) {
	dir := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755), os.WriteFile(filepath.Join(dir, path), []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write("secrets/results/r", secret)
	write("base/folder/results/r", "own")
	link := func(target, path string) {
		t.Helper()
		if err := os.Symlink(filepath.Join(dir, target), filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	link("secrets", "base/link")
	link("secrets/results/r", "base/folder/results/link")
	if err := os.Link(filepath.Join(dir, "base/folder/results/r"), filepath.Join(dir, "base/folder/results/file")); err != nil {
		t.Fatal(err)
	}
	exchange := func(a, b string) { // renameat2(RENAME_EXCHANGE)
		from, _ := syscall.BytePtrFromString(filepath.Join(dir, a))
		to, _ := syscall.BytePtrFromString(filepath.Join(dir, b))
		renameExchange(from, to)
	}
	for _, swap := range []struct{ name, a, b string }{
		{"folder", "base/folder", "base/link"},
		{"file", "base/folder/results/r", "base/folder/results/link"},
	} {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					exchange(swap.a, swap.b)
				}
			}
		}()
		read, refused := 0, 0
		for range 5000 {
			content, err := stepFileName{filepath.Join(dir, "base"), "folder/results/r"}.read(100)
			var refusal *refusedError
			switch {
			case errors.As(err, &refusal):
				refused++
			case err == nil && string(content) == "own":
				read++
			case !errors.Is(err, os.ErrNotExist):
				t.Fatalf("%s: read %q (%v)", swap.name, content, err)
			}
		}
		close(stop)
		<-stopped
		if read == 0 || refused == 0 {
			t.Errorf("%s: read %d times, refused %d times: there was no race", swap.name, read, refused)
		}
		if info, err := os.Lstat(filepath.Join(dir, swap.a)); err == nil && info.Mode()&os.ModeSymlink != 0 {
			exchange(swap.a, swap.b)
		}
	}
}

// A copy of a stream is written to a regular file of its own name, and nowhere else.
func TestHostileCopies(t *testing.T) {
	for _, row := range []struct{ name, plant, why string }{
		{"link to a file of the next step", "ln -s $D/secret logs/out", "is a symbolic link, not a regular file"},
		{"link to nothing", "ln -s $D/made logs/out", "is a symbolic link, not a regular file"},
		{"pipe", "mkfifo logs/out", "is a pipe or a socket, not a regular file"},
		{"pipe that somebody reads", "mkfifo logs/out; cat logs/out >/dev/null & sleep 0.1", "is a named pipe, not a regular file"},
		{"directory", "mkdir logs/out", "is a directory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			p.write("secret", secret)
			p.must(os.MkdirAll(p.path("logs"), 0o777))
			p.step(0, nil, nil, "sh", "-c", "cd "+p.dir+"; ("+strings.ReplaceAll(row.plant, "$D", p.dir)+") >/dev/null 2>&1 <&1")
			run, exit := p.step(1, nil, []string{"-stdout_path", p.path("logs/out")}, "echo", "overwritten")
			if exit == 0 || !strings.Contains(run.stderr.String()+p.message(1), row.why) {
				t.Errorf("exit %d, stderr %q, message %q, want %q", exit, run.stderr, p.message(1), row.why)
			}
			if got := p.read("secret"); got != secret || p.exists("made") {
				t.Errorf("written through the link: %q", got)
			}
		})
	}
}

// Credentials go into the home directory itself, not where a link in a shared one leads.
func TestCredentialsFollowNoLink(t *testing.T) {
	for _, row := range []struct{ name, plant string }{
		{"file", "ln -s $D/elsewhere home/.git-credentials"},
		{"directory", "ln -s $D/elsewhere home/.docker"},
		{"pipe", "mkfifo home/.gitconfig"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			p.must(os.MkdirAll(p.path("home"), 0o777))
			if row.name == "directory" {
				p.must(os.MkdirAll(p.path("elsewhere"), 0o777))
			}
			p.step(0, nil, nil, "sh", "-c", "cd "+p.dir+"; "+strings.ReplaceAll(row.plant, "$D", p.dir))
			p.write("creds/.git-credentials", secret)
			p.write("creds/.docker/config.json", secret)
			p.write("creds/.gitconfig", secret)
			run, exit := p.step(1, []string{"HOME=" + p.path("home")}, nil, "true")
			if exit != 0 || !strings.Contains(run.stderr.String(), "unsuccessful cred copy") {
				t.Errorf("exit %d, stderr %q", exit, run.stderr)
			}
			if p.exists("elsewhere/config.json") || (row.name == "file" && p.exists("elsewhere")) {
				t.Error("the credentials went where the link leads")
			}
		})
	}
}
