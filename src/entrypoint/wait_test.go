package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWaiter(t *testing.T) {
	write := func(t *testing.T, path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Error(err)
		}
	}
	for _, row := range []struct {
		name            string
		before          map[string]string
		during          map[string]string
		needContent     bool
		runAfterFailure bool
		missingDir      bool
		want            error
	}{
		{name: "already there", before: map[string]string{"out": ""}},
		{name: "comes later", during: map[string]string{"out": ""}},
		{name: "directory comes later", during: map[string]string{"out": ""}, missingDir: true},
		{name: "filled later", before: map[string]string{"out": ""}, during: map[string]string{"out": "READY"}, needContent: true},
		{name: "failed before", before: map[string]string{"out.err": ""}, want: errPreviousStepFailed},
		{name: "fails later", during: map[string]string{"out.err": ""}, want: errPreviousStepFailed},
		{name: "failure while debugging", during: map[string]string{"out.err": ""}, runAfterFailure: true},
		{name: "success and failure", before: map[string]string{"out": "", "out.err": ""}},
		{name: "never", want: context.DeadlineExceeded},
		{name: "never filled", before: map[string]string{"out": ""}, needContent: true, want: context.DeadlineExceeded},
	} {
		for _, wake := range []bool{true, false} {
			name := row.name + map[bool]string{true: ", woken", false: ", polled"}[wake]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if row.missingDir {
					dir = filepath.Join(dir, "later")
				}
				for file, content := range row.before {
					write(t, filepath.Join(dir, file), content)
				}
				patience := 5 * time.Second
				if errors.Is(row.want, context.DeadlineExceeded) {
					patience = 200 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				if row.during != nil {
					time.AfterFunc(100*time.Millisecond, func() {
						for file, content := range row.during {
							write(t, filepath.Join(dir, file), content)
						}
					})
				}
				err := waiter{wake: wake}.forStep(ctx, filepath.Join(dir, "out"), row.needContent, row.runAfterFailure)
				if !errors.Is(err, row.want) {
					t.Errorf("got %v, want %v", err, row.want)
				}
			})
		}
	}
}

// With a poll that would come much later, only the watch can be this quick.
func TestWatchWakesAtOnce(t *testing.T) {
	dir := t.TempDir()
	watch, err := watchDir(dir)
	if err != nil {
		t.Skipf("no inotify here: %v", err)
	}
	defer watch.close()
	for _, change := range []struct {
		name string
		make func() error
	}{
		{"create", func() error { return os.WriteFile(filepath.Join(dir, "a"), nil, 0o644) }},
		{"fill", func() error { return os.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o644) }},
		{"swap a link", func() error { return os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")) }},
	} {
		changed := make(chan time.Time, 1)
		time.AfterFunc(20*time.Millisecond, func() {
			changed <- time.Now()
			if err := change.make(); err != nil {
				t.Error(err)
			}
		})
		start := time.Now()
		if err := watch.sleep(context.Background(), 5*time.Second); err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("%s: woke after %v (%v)", change.name, time.Since(start), err)
		}
		made := <-changed
		t.Logf("%s: %v", change.name, time.Since(made))
		for watch.sleep(context.Background(), 30*time.Millisecond) == nil && time.Since(made) < 25*time.Millisecond {
			continue // the other events of the same change
		}
	}
}

// The lock of the step before wakes at once: when it is given up, and when its holder dies.
func TestLockWakesAtOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		end  func(t *testing.T, p pod, holder process)
		want error
	}{
		{"given up", func(t *testing.T, p pod, _ process) { p.write("release", "") }, nil},
		{"fails", func(t *testing.T, p pod, _ process) { p.write("fail", "") }, errPreviousStepFailed},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPod(t)
			holder := p.start(nil, append(p.flags(0), "-entrypoint", "sh", "--", "-c", "until [ -e release ]; do [ -e fail ] && exit 1; sleep 0.005; done")...)
			p.eventually("the lock is there", func() bool { return p.exists("run/0/out.lock") })
			lock := watchLock(p.path("run/0/out.lock"))
			for range 10 {
				start := time.Now()
				if err := lock.sleep(context.Background(), 20*time.Millisecond); err != nil || lock.isSpent() || time.Since(start) < 20*time.Millisecond {
					t.Fatalf("woke while the step runs (%v)", err)
				}
			}
			done := make(chan error, 1)
			go func() { done <- waiter{wake: true}.forStep(context.Background(), p.path("run/0/out"), false, false) }()
			row.end(t, p, holder)
			if err := lock.sleep(context.Background(), 10*time.Second); err != nil || !lock.isSpent() {
				t.Errorf("did not wake (%v)", err)
			}
			if err := <-done; !errors.Is(err, row.want) {
				t.Errorf("waiter: %v, want %v", err, row.want)
			}
			holder.end()
		})
	}
}

// A step that is killed cannot write its post file. Those after it must not wait for ever.
func TestStepsAfterAKilledOneAreSkipped(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		flags  []string
		exit   int
		stdout string
	}{{"skipped", nil, 1, ""}, {"run when debugging", []string{"-breakpoint_on_failure"}, 0, "hi\n"}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			holder := p.start(nil, append(p.flags(0), "-entrypoint", "sleep", "--", "3")...)
			p.eventually("the lock is there", func() bool { return p.exists("run/0/out.lock") })
			second := p.start(nil, append(append(p.flags(1), row.flags...), "-entrypoint", "echo", "--", "hi")...)
			p.eventually("the second step is up", func() bool { return p.exists("run/1/out.lock") })
			time.Sleep(100 * time.Millisecond) // for it to see the lock held
			p.must(holder.Process.Kill())
			if exit := second.end(); exit != row.exit || second.stdout.String() != row.stdout {
				t.Errorf("exit %d, stdout %q, stderr %q", exit, second.stdout, second.stderr)
			}
			if row.exit == 1 && (!strings.Contains(second.stderr.String(), "was it killed?") || p.message(1) != "3:Reason=Skipped" || !p.exists("run/1/out.err")) {
				t.Errorf("message %q, stderr %q", p.message(1), second.stderr)
			}
		})
	}
}

// Where locks are not shared between containers, a lock that nobody holds says nothing, and must not make a loop
// without pause.
func TestALockThatNobodyHoldsIsNoDeath(t *testing.T) {
	t.Parallel()
	p := newPod(t)
	p.write("run/0/out.lock", "")
	looks := 0
	ctx, cancel := context.WithTimeout(context.Background(), deathGrace+200*time.Millisecond)
	defer cancel()
	err := waiter{wake: true}.until(ctx, p.path("run/0/out"), func() (bool, error) { looks++; return false, nil })
	if !errors.Is(err, context.DeadlineExceeded) || looks > 400 {
		t.Errorf("%d looks (%v)", looks, err)
	}
}

func TestPollInterval(t *testing.T) {
	for _, row := range []struct {
		waited  time.Duration
		watched bool
		want    time.Duration
	}{
		{0, false, 5 * time.Millisecond},
		{time.Second, false, 10 * time.Millisecond},
		{time.Minute, false, 100 * time.Millisecond},
		{10 * time.Second, true, 100 * time.Millisecond},
		{time.Hour, true, time.Second},
	} {
		if got := pollInterval(row.waited, row.watched); got != row.want {
			t.Errorf("%v, watched %t: %v, want %v", row.waited, row.watched, got, row.want)
		}
	}
}
