package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// spireSuffix is what the name of the signer has beyond this program's.
	spireSuffix = "-spire"
	// spireDeadline is more than the signer waits for its identity.
	spireDeadline = 90 * time.Second
)

// signing is how results are signed (enforce-nonfalsifiability: spire).
type signing struct {
	enabled bool
	// socket is the address of the SPIFFE Workload API.
	socket string
	// as names run, pod and step: the signature holds for no other.
	as string
}

// proofOf has the signer prove the entries, in the order in which whoever verifies them has them.
func (s signing) proofOf(entries []messageEntry, signer companion) ([]messageEntry, error) {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b messageEntry) int {
		if order := strings.Compare(a.Key, b.Key); order != 0 {
			return order
		}
		return int(a.Type - b.Type)
	})
	if sorted == nil {
		sorted = []messageEntry{}
	}
	input, err := json.Marshal(map[string]any{"socket": s.socket, "signAs": s.as, "entries": sorted})
	if err != nil {
		return nil, err
	}
	output, err := signer.ask(input)
	if err != nil {
		return nil, fmt.Errorf("what the step reports could not be signed: %w", err)
	}
	var proof []messageEntry
	if err := json.Unmarshal(output, &proof); err != nil || len(proof) == 0 {
		return nil, fmt.Errorf("what the step reports could not be signed: %s answered %.100q", signer.path, output)
	}
	return proof, nil
}
