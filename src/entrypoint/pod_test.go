package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the entrypoint as images get it; the tests of whole steps run it.
var binary string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "entrypoint-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for steps that run as other users
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "entrypoint")
	for _, program := range []struct{ module, out string }{{".", binary}, {"cel", binary + celSuffix}} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program.out, ".")
		build.Dir = program.module
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", program.out, err, output)
			return 1
		}
	}
	return m.Run()
}

// TestSize holds the entrypoint small: every pod copies it.
func TestSize(t *testing.T) {
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= 3_000_000 {
		t.Errorf("the entrypoint has %d bytes; what few pods need goes into a program of its own", info.Size())
	}
}

// pod is a pod's /tekton in a temporary directory.
type pod struct {
	*testing.T
	dir string
}

func newPod(t *testing.T) pod {
	t.Helper()
	p := pod{t, t.TempDir()}
	for _, name := range []string{"run/0", "run/1", "run/2", "downward", "results", "scripts", "home"} {
		if err := os.MkdirAll(p.path(name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	p.must(linkSteps(p.dir, []string{"step-a", "step-b", "step-c"}))
	p.must(os.Mkdir(p.path("bin"), 0o755))
	p.must(os.Symlink(binary+celSuffix, p.path("bin/entrypoint"+celSuffix)))
	return p
}

func (p pod) path(name string) string { return filepath.Join(p.dir, name) }

func (p pod) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p pod) write(name, content string) {
	p.Helper()
	p.must(os.MkdirAll(filepath.Dir(p.path(name)), 0o777))
	p.must(os.WriteFile(p.path(name), []byte(content), 0o755))
}

// read is the content of a file, or "(none)".
func (p pod) read(name string) string {
	p.Helper()
	content, err := os.ReadFile(p.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return "(none)"
	}
	p.must(err)
	return string(content)
}

// flags are the flags that the pod builder always gives to step i.
func (p pod) flags(i int) []string {
	index := strconv.Itoa(i)
	flags := []string{
		"-tekton_dir", p.dir, "-post_file", p.path("run/" + index + "/out"),
		"-termination_path", p.path("termination-" + index), "-step_metadata_dir", p.path("run/" + index + "/status"),
	}
	if i > 0 {
		before := strconv.Itoa(i - 1)
		flags = append(flags, "-wait_file", p.path("run/"+before+"/out"), "-only_changed_results")
	}
	return flags
}

// process is a started entrypoint.
type process struct {
	pod
	*exec.Cmd
	stdout, stderr *bytes.Buffer
}

// start starts the entrypoint with more environment and the arguments.
func (p pod) start(environment []string, args ...string) process {
	p.Helper()
	return p.startWith(nil, environment, args...)
}

// startIsolated starts the entrypoint as PID 1 of a new pid namespace, with mounts of its own.
func (p pod) startIsolated(args ...string) process {
	p.Helper()
	return p.startWith(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS}, nil, args...)
}

func (p pod) startWith(attributes *syscall.SysProcAttr, environment []string, args ...string) process {
	p.Helper()
	started := process{p, exec.Command(binary, args...), &bytes.Buffer{}, &bytes.Buffer{}}
	started.SysProcAttr = attributes
	started.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.path("home"), "TMPDIR=" + p.TempDir()}, environment...)
	started.Stdout, started.Stderr = started.stdout, started.stderr
	started.Dir = p.dir
	p.must(started.Start())
	p.Cleanup(func() { _ = started.Process.Kill() })
	return started
}

// end waits for the exit status, -1 if a signal ended the process.
func (s process) end() int {
	s.Helper()
	finished := make(chan error, 1)
	go func() { finished <- s.Wait() }()
	select {
	case err := <-finished:
		var exited *exec.ExitError
		if err != nil && !errors.As(err, &exited) {
			s.Fatal(err)
		}
		return s.ProcessState.ExitCode()
	case <-time.After(15 * time.Second):
		_ = s.Process.Signal(syscall.SIGKILL)
		s.Fatalf("the entrypoint did not end; stderr:\n%s", s.stderr)
		return 0
	}
}

// step runs step i to its end.
func (p pod) step(i int, environment, flags []string, command ...string) (process, int) {
	p.Helper()
	args := append(p.flags(i), flags...)
	if len(command) > 0 {
		args = append(args, "-entrypoint", command[0], "--")
		args = append(args, command[1:]...)
	}
	started := p.start(environment, args...)
	return started, started.end()
}

// eventually waits until check holds.
func (p pod) eventually(what string, check func() bool) {
	p.Helper()
	for deadline := time.Now().Add(10 * time.Second); !check(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatalf("never: %s", what)
		}
	}
}

func (p pod) exists(name string) bool {
	_, err := os.Lstat(p.path(name))
	return err == nil
}

// message is the termination message of step i without StartedAt, as `type:key=value` in order. StartedAt must be there
// exactly once.
func (p pod) message(i int) string {
	p.Helper()
	entries, err := decodeMessage([]byte(p.read("termination-" + strconv.Itoa(i))))
	p.must(err)
	var lines []string
	started := 0
	for _, entry := range entries {
		if entry.Key == internalStartedAt {
			started++
			if _, err := time.Parse(time.RFC3339, entry.Value); err != nil || entry.Type != typeInternal {
				p.Errorf("StartedAt: %+v", entry)
			}
			continue
		}
		lines = append(lines, fmt.Sprintf("%d:%s=%s", entry.Type, strings.TrimPrefix(entry.Key, p.dir), strings.ReplaceAll(entry.Value, p.dir, "")))
	}
	if started != 1 {
		p.Errorf("%d StartedAt entries, want 1", started)
	}
	return strings.Join(lines, " ")
}
