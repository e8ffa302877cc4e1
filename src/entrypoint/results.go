package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log"
	"os"
	"path/filepath"
)

const (
	provenanceFile   = "artifacts/provenance.json"
	fingerprintsFile = "result-fingerprints.json"
)

// fingerprints are the hashes of the task results as they were last reported by this step or one before it, by result
// name.
type fingerprints map[string]string

// readFingerprints returns nothing where nothing can be read: then everything is reported, which is merely longer.
func readFingerprints(metadataDir string) fingerprints {
	known := fingerprints{}
	if metadataDir == "" {
		return known
	}
	data, err := os.ReadFile(filepath.Join(metadataDir, fingerprintsFile))
	if errors.Is(err, os.ErrNotExist) {
		return known
	}
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil {
		log.Printf("reporting all task results, as what earlier steps reported is unknown: %v", err)
		return fingerprints{}
	}
	return known
}

func (f fingerprints) write(metadataDir string) error {
	if metadataDir == "" || len(f) == 0 {
		return nil
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return writeShared(filepath.Join(metadataDir, fingerprintsFile), data)
}

func fingerprint(content []byte) string {
	hash := fnv.New128a()
	hash.Write(content)
	return fmt.Sprintf("%s/%d", hex.EncodeToString(hash.Sum(nil)), len(content))
}

// collectResults reads what the step's command left for others: task results that changed since the step before, step
// results, artifacts. It updates known with the task results it returns.
func collectResults(o stepOptions, known fingerprints) ([]messageEntry, error) {
	if o.resultFrom != resultFromTerminationMessage {
		return nil, nil
	}
	var entries []messageEntry
	for _, name := range o.results {
		content, found, err := readIfExists(o.tekton("results", name))
		if err != nil {
			return nil, fmt.Errorf("Error while handling results: %w", err)
		}
		if print := fingerprint(content); found && known[name] != print {
			known[name] = print
			entries = append(entries, messageEntry{Key: name, Value: string(content), Type: typeTaskResult})
		}
	}
	for _, name := range o.stepResults {
		content, found, err := readIfExists(filepath.Join(o.metadataDir, "results", name))
		if err != nil {
			return nil, fmt.Errorf("Error while handling step results: %w", err)
		}
		if found {
			entries = append(entries, messageEntry{Key: name, Value: string(content), Type: typeStepResult})
		}
	}
	artifacts, err := collectArtifacts(o)
	return append(entries, artifacts...), err
}

func collectArtifacts(o stepOptions) ([]messageEntry, error) {
	var entries []messageEntry
	for _, source := range []struct {
		path string
		kind entryType
	}{
		{filepath.Join(o.metadataDir, provenanceFile), typeStepArtifacts},
		{o.tekton(provenanceFile), typeTaskArtifacts},
	} {
		content, found, err := readIfExists(source.path)
		if err != nil {
			return nil, fmt.Errorf("Error while handling artifacts: %w", err)
		}
		if found {
			entries = append(entries, messageEntry{Key: source.path, Value: string(content), Type: source.kind})
		}
	}
	return entries, nil
}

func readIfExists(path string) (content []byte, found bool, err error) {
	content, err = os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	return content, err == nil, err
}
