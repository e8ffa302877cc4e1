// A registry in memory that has the referrers API of the OCI distribution spec 1.1, which neither distribution nor
// "crane registry serve" has. For tests of how clients use it.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", "127.0.0.1:5000", "host:port to listen on")
	flag.Parse()
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	server := &http.Server{Addr: *address, Handler: registry.New(quiet, registry.WithReferrersSupport(true)), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
