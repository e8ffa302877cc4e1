package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "nop")
	if output, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, output)
	}
	return binary
}

func TestEndsAtOnceWithWhateverArguments(t *testing.T) {
	if err := exec.Command(build(t), "-c", "echo hello").Run(); err != nil {
		t.Fatalf("nop: %v", err)
	}
}

func TestRunsUntilTerminated(t *testing.T) {
	command := exec.Command(build(t), "tekton_run_indefinitely")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("nop ended by itself: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("nop after SIGTERM: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("nop did not end on SIGTERM")
	}
}
