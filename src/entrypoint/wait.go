package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	pollFirst = 5 * time.Millisecond
	// A poll comes after 1 % of the time already waited, so that polling never makes a pod noticeably slower.
	pollFraction       = 100
	pollSlowest        = 100 * time.Millisecond
	pollSlowestWatched = time.Second
	cancelPoll         = 500 * time.Millisecond
	// deathGrace is how long a post file may take to be seen after its step gave up its lock. The step writes it before
	// that.
	deathGrace = 2 * time.Second
)

var (
	errPreviousStepFailed = errors.New("error file present, bail and skip the step")
	errPreviousStepDied   = fmt.Errorf("%w: the step before ended without writing its post file; was it killed?", errPreviousStepFailed)
)

// waiter blocks until files appear: woken by the kernel if wake is set and the kernel can, by polling in any case (a
// sandbox may keep one container's changes from waking another).
type waiter struct {
	wake bool
	// slowest is the longest time between two looks; 0 for the usual one.
	slowest time.Duration
}

// waker is a way of being told that a look is worth it.
type waker interface {
	// sleep returns after the duration, earlier if something happened, or with the context's error.
	sleep(ctx context.Context, duration time.Duration) error
	close()
}

// forStep waits for the file of the step before (or for the pod to be ready).
// It returns errPreviousStepFailed when <file>.err appears or the step before is seen to die, unless a failure must not
// skip this step (debugging).
func (w waiter) forStep(ctx context.Context, file string, needContent, runAfterFailure bool) error {
	err := w.until(ctx, file, func() (bool, error) {
		done, err := fileReady(file, needContent)
		if done || err != nil {
			return done, err
		}
		failed, err := fileReady(file+".err", false)
		if failed && !runAfterFailure {
			return true, errPreviousStepFailed
		}
		return failed, err
	})
	if runAfterFailure && errors.Is(err, errPreviousStepDied) {
		return nil
	}
	return err
}

// fileReady says whether the file is there (and not empty).
func fileReady(file string, needContent bool) (bool, error) {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("waiting for %q: %w", file, err)
	}
	return !needContent || info.Size() > 0, nil
}

// until blocks until check is done or fails, or the context ends. What happens to file and beside it wakes it.
func (w waiter) until(ctx context.Context, file string, check func() (bool, error)) error {
	wakers := wakerChoice{file: file, disabled: !w.wake}
	defer wakers.close()
	for start := time.Now(); ; {
		done, err := check()
		if done || err != nil {
			return err
		}
		if wakers.improve() {
			continue // look again: the file may have come before the waker
		}
		if wakers.holderDied() {
			return errPreviousStepDied
		}
		interval := w.interval(time.Since(start), wakers.current != nil)
		if wakers.current == nil {
			err = sleepFor(ctx, interval)
		} else {
			err = wakers.current.sleep(ctx, interval)
		}
		if err != nil {
			return err
		}
	}
}

// wakerChoice picks the best waker there is for a file. The lock of the step that will write the file is best: it costs
// nothing while it is held. inotify serves files without such a step, and until the step is up; its instances are few
// (128 for each user of a node by default, the kubelet included), so it must not be held for long by many.
type wakerChoice struct {
	file     string
	disabled bool
	current  waker
	lock     *lockWatch
	lockGone time.Time
	noWatch  bool
}

// improve says whether it found a better waker than before.
func (c *wakerChoice) improve() bool {
	if c.disabled {
		return false
	}
	if c.lock == nil {
		if c.lock = watchLock(lockOf(c.file)); c.lock != nil {
			c.replace(c.lock)
			return true
		}
	} else if c.current == c.lock && c.lock.isSpent() {
		c.replace(nil) // the step is gone, or locks are not shared here
		c.lockGone = time.Now()
	}
	if c.current != nil || c.noWatch {
		return false
	}
	watch, err := watchDir(filepath.Dir(c.file))
	if err != nil {
		// A directory that is not there yet is tried again; for anything else the poll has to do.
		c.noWatch = !errors.Is(err, os.ErrNotExist)
		return false
	}
	c.replace(watch)
	return true
}

// holderDied says that a step held the lock, gave it up, and has not written its file. Without this a step that the
// kernel kills (out of memory) would leave the others waiting until the run times out.
func (c *wakerChoice) holderDied() bool {
	return !c.lockGone.IsZero() && c.lock.wasHeld && time.Since(c.lockGone) > deathGrace
}

func (c *wakerChoice) replace(next waker) {
	c.close()
	c.current = next
}

func (c *wakerChoice) close() {
	if c.current != nil {
		c.current.close()
	}
}

func (w waiter) interval(waited time.Duration, watched bool) time.Duration {
	interval := pollInterval(waited, watched)
	if w.slowest > 0 {
		return min(interval, max(w.slowest, pollFirst))
	}
	return interval
}

func pollInterval(waited time.Duration, watched bool) time.Duration {
	slowest := pollSlowest
	if watched {
		slowest = pollSlowestWatched
	}
	return min(max(waited/pollFraction, pollFirst), slowest)
}

func sleepFor(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// forCancellation blocks until the cancel file has content. It only polls: the kubelet takes seconds to write the file,
// and a running step should not hold an inotify instance.
func forCancellation(ctx context.Context, file string) error {
	for {
		// A file that cannot be read now may be readable later; a step must not end because of it.
		if ready, _ := fileReady(file, true); ready {
			return nil
		}
		if err := sleepFor(ctx, cancelPoll); err != nil {
			return err
		}
	}
}
