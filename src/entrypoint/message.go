package main

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// maxMessageSize is what the kubelet keeps of a termination message.
	maxMessageSize   = 4096
	compressedPrefix = "tknz:"
	maxInflatedSize  = 128 << 10
	messageFileMode  = 0o666
	startedAtLayout  = "2006-01-02T15:04:05.000Z07:00"
	reasonSkipped    = "Skipped"
	reasonCancelled  = "Cancelled"
	reasonTimedOut   = "TimeoutExceeded"
	// Ours: upstream leaves the cause to the step's log.
	reasonResultTooLarge = "TaskRunResultLargerThanAllowedLimit"
	internalStartedAt    = "StartedAt"
	internalExitCode     = "ExitCode"
	internalReason       = "Reason"
)

var errMessageTooLong = errors.New("Termination message is above max allowed size 4096, caused by large task result.") //nolint:staticcheck // users match this text

// entryType says what an entry of the termination message is. The numbers are the controller's.
type entryType int

const (
	typeTaskResult    entryType = 1
	typeInternal      entryType = 3
	typeStepResult    entryType = 4
	typeStepArtifacts entryType = 5
	typeTaskArtifacts entryType = 6
)

// entryTypeNames are the words that may stand for the numbers on reading: upstream wrote them once.
var entryTypeNames = map[string]entryType{
	"TaskRunResult":          typeTaskResult,
	"InternalTektonResult":   typeInternal,
	"StepResult":             typeStepResult,
	"StepArtifactsResult":    typeStepArtifacts,
	"TaskRunArtifactsResult": typeTaskArtifacts,
}

// UnmarshalJSON takes the number or the word.
func (t *entryType) UnmarshalJSON(data []byte) error {
	var name string
	if json.Unmarshal(data, &name) != nil {
		return json.Unmarshal(data, (*int)(t))
	}
	known, found := entryTypeNames[name]
	if !found {
		return fmt.Errorf("result type %q is not known", name)
	}
	*t = known
	return nil
}

// messageEntry is one entry of the termination message.
type messageEntry struct {
	Key          string    `json:"key"`
	Value        string    `json:"value"`
	ResourceName string    `json:"resourceName,omitempty"`
	Type         entryType `json:"type"`
}

func internalEntry(key, value string) messageEntry {
	return messageEntry{Key: key, Value: value, Type: typeInternal}
}

// writeMessage adds entries to the message at path. It writes nothing and returns errMessageTooLong if the whole does
// not fit.
func writeMessage(path string, entries []messageEntry, compress bool) error {
	existing, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// What cannot be understood (the kubelet makes an empty file) is replaced.
	if before, err := decodeMessage(existing); err == nil {
		entries = append(before, entries...)
	}
	encoded, err := encodeMessage(entries, compress)
	if err != nil {
		return err
	}
	if len(encoded) > maxMessageSize {
		return errMessageTooLong
	}
	// Written in place: the path is a mount of the kubelet's file.
	return os.WriteFile(path, encoded, messageFileMode)
}

// encodeMessage is the JSON form, or the compressed form if that is asked for and smaller.
func encodeMessage(entries []messageEntry, compress bool) ([]byte, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // \u003c for < would waste the 4096 bytes
	if err := encoder.Encode(entries); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(plain.Bytes(), []byte("\n"))
	if !compress || len(text) > maxInflatedSize {
		return text, nil
	}
	packed, err := compressMessage(text)
	if err != nil {
		return nil, err
	}
	if len(packed) < len(text) {
		return packed, nil
	}
	return text, nil
}

func compressMessage(text []byte) ([]byte, error) {
	var packed bytes.Buffer
	packed.WriteString(compressedPrefix)
	encoder := base64.NewEncoder(base64.RawStdEncoding, &packed)
	deflate, err := flate.NewWriter(encoder, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = deflate.Write(text)
	if err := errors.Join(err, deflate.Close(), encoder.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// decodeMessage reads either form.
func decodeMessage(data []byte) ([]messageEntry, error) {
	if packed, isPacked := bytes.CutPrefix(data, []byte(compressedPrefix)); isPacked {
		raw, err := base64.RawStdEncoding.DecodeString(string(packed))
		if err != nil {
			return nil, fmt.Errorf("compressed termination message: %w", err)
		}
		data, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxInflatedSize+1))
		if err != nil {
			return nil, fmt.Errorf("compressed termination message: %w", err)
		}
		if len(data) > maxInflatedSize {
			return nil, fmt.Errorf("compressed termination message: more than %d bytes", maxInflatedSize)
		}
	}
	var entries []messageEntry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fmt.Errorf("termination message: %w", err)
	}
	return entries, nil
}
