package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// exitCancelled is the number of SIGKILL: the step looks like one that was killed.
	exitCancelled = int(syscall.SIGKILL)
	exitFailed    = 1

	sharedFileMode = 0o666

	breakpointExitSuffix   = ".breakpointexit"
	beforeStepExitSuffix   = ".beforestepexit"
	breakpointFillDeadline = time.Second
)

var (
	errCancelled       = errors.New("step was cancelled")
	errBeforeStep      = errors.New("before step breakpoint error file, user decided to skip the current step execution")
	errNegativeTimeout = errors.New("negative timeout specified")
)

// step is one run of this process as a step. Its answers to the rest of the pod are the post file, the exit code file
// and the termination message.
type step struct {
	stepOptions
	waiter waiter
	// lock is held until the post file is written; nil where it cannot be had.
	lock *os.File
	// before are the task results as the command found them.
	before resultMarks
	// internal are the entries about the step itself.
	internal []messageEntry
}

func newStep(o stepOptions) *step {
	return &step{stepOptions: o, waiter: waiter{wake: true}}
}

// refuse ends a step that cannot even begin. The steps after it must not wait for ever.
func (s *step) refuse(err error) int {
	log.Print(err)
	s.began()
	s.internal = append(s.internal, internalEntry(internalMessage, err.Error()))
	s.publishInternal()
	s.release(false)
	return exitFailed
}

// run is the whole life of the step; it returns the exit status.
func (s *step) run() int {
	s.holdLock()
	if err := setUpCredentials(s.stepOptions); err != nil {
		return s.refuse(err)
	}
	if err := s.makeMetadataDirs(); err != nil {
		return s.refuse(err)
	}
	if err := s.awaitTurn(); err != nil {
		return s.skip(err)
	}
	err := s.debugBefore()
	s.before = markResults(s.stepOptions)
	s.began()
	if err == nil && s.timeout < 0 {
		err = errNegativeTimeout
	}
	if err == nil {
		var mayRun bool
		if mayRun, err = s.execute(); err == nil && !mayRun {
			return s.skipByWhen()
		}
	}
	return s.finish(err)
}

// holdLock lets the next step wait for this one without polling. Where that is impossible the next step polls, so
// nobody is told.
func (s *step) holdLock() {
	if s.postFile == "" {
		return
	}
	if lock, err := holdLock(s.postFile); err == nil {
		s.lock = lock
	}
}

func (s *step) makeMetadataDirs() error {
	if s.metadataDir == "" {
		return nil
	}
	for _, name := range []string{"results", "artifacts"} {
		if err := makeSharedDir(filepath.Join(s.metadataDir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *step) awaitTurn() error {
	for _, file := range s.waitFiles {
		if err := s.waiter.forStep(context.Background(), file, s.waitFileContent, s.breakpointOnFail); err != nil {
			return err
		}
	}
	return nil
}

func (s *step) began() {
	s.internal = append(s.internal, internalEntry(internalStartedAt, time.Now().UTC().Format(startedAtLayout)))
}

// skip ends a step whose turn never came.
func (s *step) skip(err error) int {
	s.began()
	if errors.Is(err, errPreviousStepFailed) {
		log.Print("Skipping step because a previous step failed")
		if errors.Is(err, errPreviousStepDied) {
			log.Print(err)
		}
		s.internal = append(s.internal, internalEntry(internalReason, reasonSkipped))
	} else {
		log.Printf("Error executing command: %v", err)
	}
	s.publishInternal()
	if !s.breakpointOnFail {
		s.release(false)
	}
	return exitFailed
}

func (s *step) skipByWhen() int {
	log.Print("Step was skipped due to when expressions were evaluated to false.")
	s.internal = append(s.internal, internalEntry(internalReason, reasonSkipped))
	if !s.signing.enabled {
		s.publishInternal()
	} else if err := s.publish(); err != nil {
		// That it reports nothing is signed too: else whoever takes a report away could say that it was skipped.
		log.Printf("Error while handling results: %v", err)
		s.release(false)
		return exitFailed
	}
	s.writeExitCode("0")
	s.release(true)
	return 0
}

// execute resolves what only now can be resolved and runs the command. It says false if the when expressions forbid it.
func (s *step) execute() (bool, error) {
	files := &stepFiles{stepsDir: s.tekton("steps")}
	environment := files.expandEnv(os.Environ())
	command, err := files.expandScript(files.expandList(s.command), s.tekton("scripts"))
	if err != nil {
		log.Printf("Error while substituting step artifacts: %v", err)
	}
	conditions := expandWhen(files, s.when)
	if files.refused != nil {
		s.explain(reasonResultRefused, files.refused.Error())
		return false, files.refused
	}
	mayRun, err := guard{s.tekton("bin", "entrypoint"+celSuffix)}.allow(conditions)
	if err != nil {
		s.internal = append(s.internal, internalEntry(internalMessage, err.Error()))
	}
	if err != nil || !mayRun {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if s.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, s.timeout)
		defer stop()
	}
	go func() {
		if forCancellation(ctx, s.tekton("downward", "cancel")) == nil {
			cancel(errCancelled)
		}
	}()
	err = invocation{
		command:     command,
		environment: environment,
		stdoutPath:  s.stdoutPath,
		stderrPath:  s.stderrPath,
		hermetic:    os.Getenv(resourceNameVariable) == "" && os.Getenv(hermeticVariable) == "1",
	}.run(ctx)
	if errors.Is(err, context.Canceled) {
		err = errCancelled
	}
	return true, err
}

// finish tells the outcome: message, exit code, post file, in this order, so that the next step finds everything in its
// place.
func (s *step) finish(err error) int {
	exit, code, failed := s.judge(err)
	if publishErr := s.publish(); publishErr != nil {
		log.Printf("Error while handling results: %v", publishErr)
		s.release(false)
		return exitFailed
	}
	if code != "" {
		s.writeExitCode(code)
	}
	switch {
	case !failed:
		s.release(true)
	case s.breakpointOnFail && !isOwnEnd(err):
		log.Print("Skipping writing to PostFile")
		return s.breakpoint()
	default:
		s.release(false)
	}
	return exit
}

// isOwnEnd says whether the step ended for a reason that a failure breakpoint is not about.
func isOwnEnd(err error) bool {
	return errors.Is(err, errCancelled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errBeforeStep)
}

// judge decides what the outcome of the command means: the exit status, the content of the exit code file ("" for
// none), and whether the steps after this one must not run. It logs and adds the internal entries.
func (s *step) judge(err error) (exit int, code string, failed bool) {
	var exited *exec.ExitError
	switch {
	case err == nil:
		return 0, "0", false
	case errors.Is(err, errCancelled):
		log.Print("Step was cancelled")
		s.internal = append(s.internal, internalEntry(internalReason, reasonCancelled))
		return exitCancelled, syscall.SIGKILL.String(), true
	case errors.Is(err, context.DeadlineExceeded):
		log.Print(context.DeadlineExceeded)
		s.internal = append(s.internal, internalEntry(internalReason, reasonTimedOut))
		return exitFailed, "", true
	case errors.Is(err, errBeforeStep):
		log.Print("Skipping execute step script because before step breakpoint fail-continue")
		return exitFailed, "", true
	case errors.As(err, &exited):
		status := exited.ExitCode()
		code := strconv.Itoa(status)
		goesOn := s.onError == onErrorContinue || s.onError == onErrorContinueAndFail
		if !goesOn || s.breakpointOnFail {
			return status & 0xff, "", true
		}
		s.internal = append(s.internal, internalEntry(internalExitCode, code))
		if s.onError == onErrorContinueAndFail {
			return status & 0xff, code, false
		}
		return 0, code, false
	default:
		log.Printf("Error executing command: %v", err)
		return exitFailed, "", true
	}
}

// publish writes the results and everything else into the termination message. If the results cannot be told, what is
// known of the step itself is written alone, with the reason.
func (s *step) publish() error {
	entries, err := collectResults(s.stepOptions, s.before)
	var proof []messageEntry
	if err == nil && s.signing.enabled {
		proof, err = s.prove(entries)
	}
	if err == nil {
		err = writeMessage(s.terminationPath, append(append(entries, proof...), s.internal...), s.messageForm)
	}
	if err == nil {
		return nil
	}
	var tooLong *messageTooLongError
	var refused *refusedError
	switch {
	case errors.As(err, &tooLong):
		if len(proof) > 0 {
			tooLong = tooLong.beside(entries, proof)
		}
		log.Print(tooLong.detail())
		s.explain(reasonResultTooLarge, tooLong.detail())
	case errors.As(err, &refused):
		s.explain(reasonResultRefused, err.Error())
	case s.signing.enabled:
		s.internal = append(s.internal, internalEntry(internalMessage, err.Error()))
	}
	s.publishInternal()
	return err
}

// prove gives what proves the entries. What the command itself wrote into the message is no report of ours: it
// would go beside them unproven.
func (s *step) prove(entries []messageEntry) ([]messageEntry, error) {
	if err := os.WriteFile(s.terminationPath, nil, messageFileMode); err != nil {
		return nil, err
	}
	return s.signing.proofOf(entries, companion{s.tekton("bin", "entrypoint"+spireSuffix), "-spire", spireDeadline})
}

// explain tells the controller why the step fails although its command may not have.
func (s *step) explain(reason, message string) {
	s.internal = append(s.internal, internalEntry(internalReason, reason), internalEntry(internalMessage, message))
}

func (s *step) publishInternal() {
	if err := writeOwnMessage(s.terminationPath, s.internal, s.messageForm); err != nil {
		log.Printf("Error while writing message: %s", err)
	}
}

func (s *step) writeExitCode(code string) {
	if s.metadataDir == "" {
		return
	}
	if err := writeShared(filepath.Join(s.metadataDir, "exitCode"), []byte(code)); err != nil {
		log.Printf("Error while writing the exit code: %v", err)
	}
}

// release lets the next step go, or tells it to skip.
func (s *step) release(success bool) {
	if s.postFile == "" {
		return
	}
	file := s.postFile
	if !success {
		file += ".err"
	}
	if err := writeShared(file, nil); err != nil {
		// The steps after this one wait until the pod ends; only a log can say why.
		log.Printf("Creating %q: %v", file, err)
	}
	if s.lock != nil {
		s.lock.Close()
	}
}
