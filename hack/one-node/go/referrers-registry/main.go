// referrers-registry is go-containerregistry's in-memory registry with the referrers API of OCI 1.1, which neither
// distribution nor `crane registry serve` offers.
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", "127.0.0.1:5000", "where to listen")
	flag.Parse()
	server := &http.Server{Addr: *address, Handler: registry.New(registry.WithReferrersSupport(true)), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}
