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
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxMessageSize is what the kubelet keeps of a termination message at most. It shares 12,288 bytes among all
	// containers of a pod, so that it keeps less of each where there are more than three.
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
	reasonResultRefused  = "TaskRunResultNotAFile"
	internalStartedAt    = "StartedAt"
	internalExitCode     = "ExitCode"
	internalReason       = "Reason"
	// Ours: what the reason does not say.
	internalMessage = "Message"
)

// messageForm is how a termination message may be written.
type messageForm struct {
	// messageLimit is the size in bytes that the kubelet keeps.
	messageLimit    int
	compressMessage bool
}

// messageTooLongError tells that results do not fit the termination message.
type messageTooLongError struct {
	limit int
	// needed is the size that all would take; 0 if the largest alone is too much.
	needed int
	// largest names the largest result, which has size bytes.
	largest string
	size    int64
	// signatures tells how many of the needed bytes are signatures; empty where nothing is signed.
	signatures string
}

// Error is upstream's text: users look for it.
func (e *messageTooLongError) Error() string {
	return fmt.Sprintf("Termination message is above max allowed size %d, caused by large task result.", e.limit)
}

// detail says which result is to blame, and by how much.
func (e *messageTooLongError) detail() string {
	if e.needed == 0 {
		return fmt.Sprintf("%s has %d bytes, and all that this step reports may have %d", e.largest, e.size, e.limit)
	}
	return fmt.Sprintf("%s has %d bytes; all that this step reports takes %d%s, and may have %d", e.largest, e.size, e.needed, e.signatures, e.limit)
}

func newMessageTooLongError(entries []messageEntry, needed, limit int) *messageTooLongError {
	largest := messageEntry{Key: "(none)"}
	for _, entry := range entries {
		if len(entry.Value) > len(largest.Value) {
			largest = entry
		}
	}
	return &messageTooLongError{limit: limit, needed: needed, largest: largest.name(), size: int64(len(largest.Value))}
}

// beside blames what the step itself reports, and says how much its proof takes.
func (e *messageTooLongError) beside(reported, proof []messageEntry) *messageTooLongError {
	blamed := newMessageTooLongError(reported, e.needed, e.limit)
	encoded, _ := encodeMessage(proof, false)
	blamed.signatures = fmt.Sprintf(" (signatures: %d)", len(encoded))
	return blamed
}

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

// name is the entry in words.
func (e messageEntry) name() string {
	switch e.Type {
	case typeTaskResult:
		return fmt.Sprintf("task result %q", e.Key)
	case typeStepResult:
		return fmt.Sprintf("step result %q", e.Key)
	case typeStepArtifacts:
		return "the step's artifacts"
	case typeTaskArtifacts:
		return "the Task's artifacts"
	default:
		return fmt.Sprintf("entry %q", e.Key)
	}
}

func internalEntry(key, value string) messageEntry {
	return messageEntry{Key: key, Value: value, Type: typeInternal}
}

// writeMessage adds entries to the message at path. It writes nothing and returns a *messageTooLongError if the whole
// does not fit.
func writeMessage(path string, entries []messageEntry, form messageForm) error {
	// What cannot be understood (the kubelet makes an empty file) is replaced.
	existing, err := stepFileName{filepath.Dir(path), filepath.Base(path)}.read(maxMessageSize)
	if err == nil {
		if before, err := decodeMessage(existing); err == nil {
			entries = append(before, entries...)
		}
	}
	encoded, err := encodeMessage(entries, form.compressMessage)
	if err != nil {
		return err
	}
	if len(encoded) > form.messageLimit {
		return newMessageTooLongError(entries, len(encoded), form.messageLimit)
	}
	// Written in place: the path is a mount of the kubelet's file.
	return os.WriteFile(path, encoded, messageFileMode)
}

// writeOwnMessage writes what the entrypoint itself has to say of the step. That goes before what others wrote into the
// message, and is shortened where it does not fit.
func writeOwnMessage(path string, entries []messageEntry, form messageForm) error {
	err := writeMessage(path, entries, form)
	var tooLong *messageTooLongError
	if !errors.As(err, &tooLong) {
		return err
	}
	if err := os.WriteFile(path, nil, messageFileMode); err != nil {
		return err
	}
	return writeMessage(path, shortened(entries, form.messageLimit), messageForm{messageLimit: form.messageLimit})
}

// shortened cuts and drops entries, those that say least first, until the rest fits.
func shortened(entries []messageEntry, limit int) []messageEntry {
	rest := slices.Clone(entries)
	for _, key := range []string{internalMessage, internalStartedAt} {
		index := slices.IndexFunc(rest, func(e messageEntry) bool { return e.Key == key })
		for index >= 0 {
			encoded, err := encodeMessage(rest, false)
			excess := len(encoded) - limit
			if err != nil || excess <= 0 {
				return rest
			}
			value := rest[index].Value
			// A character takes at most six bytes in JSON, so this never cuts too much.
			keep := len(value) - (excess+5)/6
			if key != internalMessage || keep <= 0 {
				rest = slices.Delete(rest, index, index+1)
				break
			}
			rest[index].Value = strings.ToValidUTF8(value[:keep], "")
		}
	}
	return rest
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
