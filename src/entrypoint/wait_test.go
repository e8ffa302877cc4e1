package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
		for _, watch := range []bool{true, false} {
			name := row.name + map[bool]string{true: ", watched", false: ", polled"}[watch]
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
				err := waiter{watch: watch}.forStep(ctx, filepath.Join(dir, "out"), row.needContent, row.runAfterFailure)
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
		var made time.Time
		time.AfterFunc(20*time.Millisecond, func() {
			made = time.Now()
			if err := change.make(); err != nil {
				t.Error(err)
			}
		})
		start := time.Now()
		if err := watch.sleep(context.Background(), 5*time.Second); err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("%s: woke after %v (%v)", change.name, time.Since(start), err)
		}
		t.Logf("%s: %v", change.name, time.Since(made))
		for watch.sleep(context.Background(), 30*time.Millisecond) == nil && time.Since(made) < 25*time.Millisecond {
			continue // the other events of the same change
		}
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
