package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	pollFirst = 5 * time.Millisecond
	// A poll comes after 1 % of the time already waited, so that polling never makes a pod noticeably slower.
	pollFraction       = 100
	pollSlowest        = 100 * time.Millisecond
	pollSlowestWatched = time.Second
	cancelPoll         = 500 * time.Millisecond

	// inotify instances are counted by user across the node, kubelet and builds included. With a small limit (the kernel's default is 128)
	// waiting steps would use it up for everyone else.
	watchInstancesLimit = "/proc/sys/fs/inotify/max_user_instances"
	watchInstancesFloor = 1024
)

var errPreviousStepFailed = errors.New("error file present, bail and skip the step")

// watchingAllowed says whether this node has inotify instances to spare.
func watchingAllowed() bool {
	text, err := os.ReadFile(watchInstancesLimit)
	if err != nil {
		return false
	}
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && limit >= watchInstancesFloor
}

// waiter blocks until files appear, woken by the kernel where watch is set, by polling in any case.
type waiter struct {
	watch bool
}

// forStep waits for the file of the step before (or for the pod to be ready).
// It returns errPreviousStepFailed when <file>.err appears, unless a failure must not skip this step (debugging).
func (w waiter) forStep(ctx context.Context, file string, needContent, runAfterFailure bool) error {
	return w.until(ctx, filepath.Dir(file), func() (bool, error) {
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

// until blocks until check is done or fails, or the context ends. Changes in dir wake it.
func (w waiter) until(ctx context.Context, dir string, check func() (bool, error)) error {
	var watch *dirWatch
	defer func() { watch.close() }()
	mayWatch := w.watch
	for start := time.Now(); ; {
		done, err := check()
		if done || err != nil {
			return err
		}
		if mayWatch && watch == nil {
			watch, err = watchDir(dir)
			// A directory that is not there yet is tried again; anything else means that the poll has to do.
			mayWatch = errors.Is(err, os.ErrNotExist)
			if watch != nil {
				continue // look again: the file may have come between the check and the watch
			}
		}
		if err := watch.sleep(ctx, pollInterval(time.Since(start), watch != nil)); err != nil {
			return err
		}
	}
}

func pollInterval(waited time.Duration, watched bool) time.Duration {
	slowest := pollSlowest
	if watched {
		slowest = pollSlowestWatched
	}
	return min(max(waited/pollFraction, pollFirst), slowest)
}

// forCancellation blocks until the cancel file has content. It only polls: the kubelet takes seconds to write the file, and a
// running step should not hold an inotify instance.
func forCancellation(ctx context.Context, file string) error {
	for {
		// A file that cannot be read now may be readable later; a step must not end because of it.
		if ready, _ := fileReady(file, true); ready {
			return nil
		}
		if err := (*dirWatch)(nil).sleep(ctx, cancelPoll); err != nil {
			return err
		}
	}
}
