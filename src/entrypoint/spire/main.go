// Command entrypoint-spire signs what a step reports, for the entrypoint: the entries of its termination message as JSON
// on stdin, what proves them as JSON on stdout. The key is of the X.509 SVID that the SPIFFE Workload API gives to this
// container. It is a program of its own so that the entrypoint, which goes into every pod, stays small; CONTRACT.md says
// when it comes along.
package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

const (
	// maxInputSize is more than a termination message may hold, compressed ones too.
	maxInputSize = 1 << 20
	// identityDeadline is how long the agent may take to learn of the run's identity: it asks its server every few
	// seconds.
	identityDeadline = 60 * time.Second
	retryEvery       = 250 * time.Millisecond

	typeTaskResult = 1

	keySVID         = "SVID"
	keyManifest     = "RESULT_MANIFEST"
	keyStatement    = "RESULT_STATEMENT"
	signatureSuffix = ".sig"
)

// request is what the entrypoint asks for.
type request struct {
	// Socket is the address of the Workload API.
	Socket string `json:"socket"`
	// SignAs names the step of the run that reports; the signature holds for no other.
	SignAs  string  `json:"signAs"`
	Entries []entry `json:"entries"`
}

// entry is one entry of the termination message.
type entry struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Type  int    `json:"type"`
}

func main() {
	if err := run(os.Stdin, os.Stdout, identityDeadline); err != nil {
		fmt.Fprintf(os.Stderr, "entrypoint-spire: %v\n", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, patience time.Duration) error {
	input, err := io.ReadAll(io.LimitReader(in, maxInputSize+1))
	if err != nil {
		return err
	}
	if len(input) > maxInputSize {
		return fmt.Errorf("what is to be signed has more than %d bytes", maxInputSize)
	}
	var asked request
	if err := json.Unmarshal(input, &asked); err != nil {
		return fmt.Errorf("want a JSON object on stdin: %w", err)
	}
	identity, err := fetchIdentity(asked.Socket, patience)
	if err != nil {
		return err
	}
	proof, err := prove(asked, identity)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(proof)
}

// fetchIdentity asks again while the agent does not answer or knows no identity for this container: the run's is
// registered when its pod has a node, and the agent learns of it a moment later.
func fetchIdentity(socket string, patience time.Duration) (*x509svid.SVID, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := workloadapi.New(ctx, workloadapi.WithAddr(socket))
	if err != nil {
		return nil, fmt.Errorf("SPIFFE Workload API %s: %w", socket, err)
	}
	defer client.Close()
	for {
		identity, err := client.FetchX509SVID(ctx)
		if err == nil {
			return identity, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("SPIFFE Workload API %s gave no identity within %v: %w", socket, patience, err)
		case <-time.After(retryEvery):
		}
	}
}

// prove makes the entries that prove the others: upstream's (pkg/spire: the certificate, a signature of each task result
// and of the list of their names), and a statement over all of them with their names, their types and the step, for
// upstream's signatures are of values alone.
func prove(asked request, identity *x509svid.SVID) ([]entry, error) {
	if len(identity.Certificates) == 0 {
		return nil, errors.New("the SPIFFE Workload API gave an identity without a certificate")
	}
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: identity.Certificates[0].Raw})
	proof := []entry{{keySVID, string(leaf), typeTaskResult}}
	var names []string
	sign := func(key, text string) error {
		signature, err := signText(identity.PrivateKey, text)
		if err == nil {
			proof = append(proof, entry{key + signatureSuffix, signature, typeTaskResult})
		}
		return err
	}
	for _, result := range asked.Entries {
		if result.Type != typeTaskResult {
			continue
		}
		names = append(names, result.Key)
		if err := sign(result.Key, signedText(result.Value)); err != nil {
			return nil, err
		}
	}
	for _, whole := range []entry{
		{keyManifest, strings.Join(names, ","), typeTaskResult},
		{keyStatement, statement(asked), typeTaskResult},
	} {
		proof = append(proof, whole)
		if err := sign(whole.Key, whole.Value); err != nil {
			return nil, err
		}
	}
	return proof, nil
}

// statement is the SHA-256 of the step and of all that it reports, each text with its length before it.
func statement(asked request) string {
	digest := sha256.New()
	write := func(text string) { fmt.Fprintf(digest, "%d:%s", len(text), text) }
	write(asked.SignAs)
	for _, reported := range asked.Entries {
		write(fmt.Sprint(reported.Type))
		write(reported.Key)
		write(reported.Value)
	}
	return fmt.Sprintf("%x", digest.Sum(nil))
}

// signText signs the SHA-256 of the text, as base64.
func signText(key crypto.Signer, text string) (string, error) {
	digest := sha256.Sum256([]byte(text))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	return base64.StdEncoding.EncodeToString(signature), err
}
