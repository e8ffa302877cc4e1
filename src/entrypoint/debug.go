package main

import (
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxExitCodeSize is more than a number takes.
const maxExitCodeSize = 1024

// debugBefore holds the step until someone decides by one of the debug scripts. errBeforeStep means: do not run it.
func (s *step) debugBefore() error {
	if !s.debugBeforeStep {
		return nil
	}
	log.Print(`debug before step breakpoint has taken effect, waiting for user's decision:
1) continue, use cmd: /tekton/debug/scripts/debug-beforestep-continue
2) fail-continue, use cmd: /tekton/debug/scripts/debug-beforestep-fail-continue`)
	file := s.postFile + beforeStepExitSuffix
	if err := s.waiter.forStep(context.Background(), file, false, false); err != nil {
		log.Printf("error occurred while waiting for %s : %v", file, errBeforeStep)
		return errBeforeStep
	}
	return nil
}

// breakpoint keeps a failed step up until someone decides, and returns the exit status they chose. Without a number it
// is 0, so that the steps after this one may go on.
func (s *step) breakpoint() int {
	log.Print(`debug onFailure breakpoint has taken effect, waiting for user's decision:
1) continue, use cmd: /tekton/debug/scripts/debug-continue
2) fail-continue, use cmd: /tekton/debug/scripts/debug-fail-continue`)
	file := s.postFile + breakpointExitSuffix
	if err := s.waiter.forStep(context.Background(), file, false, false); err != nil {
		log.Printf("error occurred while waiting for %s : %v", file, err)
	}
	// The script makes the file and then fills it: give it the time.
	ctx, cancel := context.WithTimeout(context.Background(), breakpointFillDeadline)
	defer cancel()
	_ = s.waiter.until(ctx, file, func() (bool, error) { return fileReady(file, true) })
	content, err := stepFileName{filepath.Dir(file), filepath.Base(file)}.read(maxExitCodeSize)
	if errors.Is(err, os.ErrNotExist) {
		log.Printf("error occurred while reading breakpoint exit code : breakpoint postfile %s not found", file)
		return 0
	}
	text := strings.TrimSpace(string(content))
	log.Print("Breakpoint exiting with exit code " + text)
	status, parseErr := strconv.Atoi(text)
	if err := errors.Join(err, parseErr); err != nil {
		log.Printf("error occurred while reading breakpoint exit code : %v", err)
		return 0
	}
	return status
}
