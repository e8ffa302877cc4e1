package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	provenanceFile = "artifacts/provenance.json"
	// settleTime is more than a tick of the clock from which the kernel takes the time of a change.
	settleTime = 20 * time.Millisecond
)

// metadataFile is a file below the step's metadata directory. What lies below the run directory is the step's.
func metadataFile(metadataDir string, parts ...string) stepFileName {
	clean := filepath.Clean(metadataDir)
	return stepFileName{filepath.Dir(clean), filepath.Join(append([]string{filepath.Base(clean)}, parts...)...)}
}

// taskResultFile is in a directory that all steps share.
func taskResultFile(o stepOptions, name string) stepFileName {
	return stepFileName{o.tekton("results"), filepath.Base(name)}
}

// resultMark tells one state of a file from any later one: every write changes the time of change, and only the kernel
// sets it. (Content would not do: a step before may foresee what this one writes, write it first, and change it again
// once it is no news.)
type resultMark struct {
	device, inode uint64
	size          int64
	changed       syscall.Timespec
}

// resultMarks are the task results as they were before the step's command began, by name.
type resultMarks map[string]resultMark

// markResults looks at the task results of the steps before. It waits a moment where one has changed just now: a change
// in the same tick of the clock could not be told from it. A result that still seems new has no mark and is reported.
func markResults(o stepOptions) resultMarks {
	marks := resultMarks{}
	if !o.onlyChangedResults || o.resultFrom != resultFromTerminationMessage {
		return marks
	}
	waited := false
	for _, name := range o.results {
		info, err := taskResultFile(o, name).stat()
		if err == nil && isFresh(info) && !waited {
			time.Sleep(settleTime)
			waited = true
			info, err = taskResultFile(o, name).stat()
		}
		if err == nil && info.Mode&syscall.S_IFMT == syscall.S_IFREG && !isFresh(info) {
			marks[name] = markOf(info)
		}
	}
	return marks
}

func isFresh(info syscall.Stat_t) bool {
	return time.Since(time.Unix(info.Ctim.Unix())) < settleTime
}

func markOf(info syscall.Stat_t) resultMark {
	return resultMark{uint64(info.Dev), info.Ino, info.Size, info.Ctim}
}

// isUnchanged says that a step before has reported the result already.
func (m resultMarks) isUnchanged(o stepOptions, name string) bool {
	before, marked := m[name]
	if !marked {
		return false
	}
	info, err := taskResultFile(o, name).stat()
	return err == nil && markOf(info) == before
}

// resultFile is something the step's command left for others, and the entry that becomes of it.
type resultFile struct {
	file  stepFileName
	entry messageEntry
}

// resultFiles are all that the step may have to report.
func resultFiles(o stepOptions, before resultMarks) []resultFile {
	var files []resultFile
	for _, name := range o.results {
		if !before.isUnchanged(o, name) {
			files = append(files, resultFile{taskResultFile(o, name), messageEntry{Key: name, Type: typeTaskResult}})
		}
	}
	for _, name := range o.stepResults {
		file := metadataFile(o.metadataDir, "results", filepath.Base(name))
		files = append(files, resultFile{file, messageEntry{Key: name, Type: typeStepResult}})
	}
	step := metadataFile(o.metadataDir, provenanceFile)
	task := stepFileName{filepath.Dir(o.tekton(provenanceFile)), filepath.Base(provenanceFile)}
	return append(files,
		resultFile{step, messageEntry{Key: step.String(), Type: typeStepArtifacts}},
		resultFile{task, messageEntry{Key: task.String(), Type: typeTaskArtifacts}})
}

// collectResults reads what the step's command left for others: task results that changed since the step began, step
// results, artifacts. What is missing is no error: nothing has to be reported. Anything but a regular file is a
// *refusedError, a file that cannot fit the message a *messageTooLongError.
func collectResults(o stepOptions, before resultMarks) ([]messageEntry, error) {
	if o.resultFrom != resultFromTerminationMessage {
		return nil, nil
	}
	limit := o.messageLimit
	if o.compressMessage {
		limit = maxInflatedSize
	}
	var entries []messageEntry
	for _, result := range resultFiles(o, before) {
		what := result.entry.name()
		content, err := result.file.read(limit)
		var oversized *oversizedError
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case errors.As(err, &oversized):
			return nil, &messageTooLongError{limit: limit, largest: what, size: oversized.size}
		case err != nil:
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if !utf8.Valid(content) {
			log.Printf("%s is not UTF-8 text: what is not becomes U+FFFD; encode binary data, for example in base64", what)
		}
		result.entry.Value = string(content)
		entries = append(entries, result.entry)
	}
	return entries, nil
}
