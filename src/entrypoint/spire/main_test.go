package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	workload "github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// agent is a SPIFFE agent that knows its caller after some refusals.
type agent struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	refusals atomic.Int32
	svid     *workload.X509SVIDResponse
}

func (a *agent) FetchX509SVID(_ *workload.X509SVIDRequest, stream workload.SpiffeWorkloadAPI_FetchX509SVIDServer) error {
	header, _ := metadata.FromIncomingContext(stream.Context())
	if strings.Join(header.Get("workload.spiffe.io"), "") != "true" {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	if a.refusals.Add(-1) >= 0 {
		return status.Error(codes.PermissionDenied, "no identity issued")
	}
	return stream.Send(a.svid)
}

func serve(t *testing.T, a *agent) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, a)
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	return "unix://" + socket
}

func newIdentity(t *testing.T, id string) *workload.X509SVIDResponse {
	t.Helper()
	uri, err := url.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), URIs: []*url.URL{uri}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &workload.X509SVIDResponse{Svids: []*workload.X509SVID{
		{SpiffeId: id, X509Svid: certificate, X509SvidKey: private, Bundle: certificate},
	}}
}

const runID = "spiffe://example.org/ns/default/taskrun/build"

func proofOf(t *testing.T, socket string, entries []entry) map[string]string {
	t.Helper()
	input, err := json.Marshal(request{socket, "uid/build-pod/step-a", entries})
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	if err := run(bytes.NewReader(input), &output, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	var proof []entry
	if err := json.Unmarshal(output.Bytes(), &proof); err != nil {
		t.Fatal(err)
	}
	byKey := map[string]string{}
	for _, each := range proof {
		if each.Type != typeTaskResult {
			t.Errorf("%s has type %d", each.Key, each.Type)
		}
		byKey[each.Key] = each.Value
	}
	return byKey
}

func TestSignsWhatIsReported(t *testing.T) {
	a := &agent{svid: newIdentity(t, runID)}
	a.refusals.Store(2) // the agent learns of the identity a moment later
	proof := proofOf(t, serve(t, a), []entry{
		{"commit", "aa79", typeTaskResult},
		{"list", `["a","b"]`, typeTaskResult},
		{"of-step", "x", 4},
	})
	block, _ := pem.Decode([]byte(proof["SVID"]))
	if block == nil {
		t.Fatalf("SVID is %q", proof["SVID"])
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if certificate.URIs[0].String() != runID {
		t.Errorf("signed as %s", certificate.URIs[0])
	}
	for key, text := range map[string]string{
		"commit":           "aa79",
		"list":             "a,b",
		"RESULT_MANIFEST":  "commit,list",
		"RESULT_STATEMENT": proof["RESULT_STATEMENT"],
	} {
		signature, err := base64.StdEncoding.DecodeString(proof[key+".sig"])
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256([]byte(text))
		if !ecdsa.VerifyASN1(certificate.PublicKey.(*ecdsa.PublicKey), digest[:], signature) {
			t.Errorf("the signature of %s is not of %q", key, text)
		}
	}
	if proof["RESULT_MANIFEST"] != "commit,list" || len(proof) != 7 {
		t.Errorf("got %v", proof)
	}
}

func TestStatementTellsEverythingApart(t *testing.T) {
	base := request{"", "uid/pod/step-a", []entry{{"a", "1", 1}, {"b", "2", 1}}}
	for name, other := range map[string]request{
		"another step":       {"", "uid/pod/step-b", base.Entries},
		"values exchanged":   {"", base.SignAs, []entry{{"a", "2", 1}, {"b", "1", 1}}},
		"another type":       {"", base.SignAs, []entry{{"a", "1", 4}, {"b", "2", 1}}},
		"one less":           {"", base.SignAs, []entry{{"a", "1", 1}}},
		"another border":     {"", base.SignAs, []entry{{"a", "11:1", 1}, {"b", "2", 1}}},
		"names run together": {"", base.SignAs, []entry{{"a1", "", 1}, {"b", "2", 1}}},
	} {
		if statement(base) == statement(other) {
			t.Errorf("%s: the same statement", name)
		}
	}
}

func TestSignedText(t *testing.T) {
	for value, want := range map[string]string{
		"":                  "",
		"plain":             "plain",
		`"quoted"`:          "quoted",
		`["a",null,"b"]`:    "a,,b",
		"[1]":               "[1]",
		`{"b":"2","a":"1"}`: "a,1,b,2",
		`{"a":1}`:           `{"a":1}`,
		"null":              "",
		"3":                 "3",
	} {
		if got := signedText(value); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestSaysWhyItCannotSign(t *testing.T) {
	stubborn := &agent{}
	stubborn.refusals.Store(1 << 30)
	refusing := serve(t, stubborn)
	for name, row := range map[string]struct{ input, want string }{
		"no request":     {"[", "want a JSON object"},
		"too much":       {strings.Repeat(" ", maxInputSize+1), "more than 1048576 bytes"},
		"not an address": {`{"socket":"agent.sock"}`, "agent.sock"},
		"no agent":       {`{"socket":"unix:///nowhere/agent.sock"}`, "gave no identity within"},
		"no identity":    {`{"socket":"` + refusing + `"}`, "no identity issued"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(strings.NewReader(row.input), &bytes.Buffer{}, 400*time.Millisecond)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}
