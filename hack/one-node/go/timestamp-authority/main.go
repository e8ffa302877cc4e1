// The timestamp authority of github.com/sigstore/timestamp-authority with a key from a file. Its own command also opens
// a metrics port that cannot be set (2112, every address), so that two of them, or one and a Rekor, cannot share a
// machine.
package main

import (
	"flag"
	"os"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/log"
	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

func main() {
	host := flag.String("host", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 3004, "port to listen on")
	key := flag.String("file-signer-key-path", "", "private key, PEM")
	chain := flag.String("certificate-chain-path", "", "certificate chain of the key, PEM, leaf first")
	flag.Parse()

	log.ConfigureLogger("prod")
	viper.Set("timestamp-signer", "file")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("enforce-intermediate-eku", true)
	viper.Set("max-request-body-size", 1<<20)
	viper.Set("file-signer-key-path", *key)
	viper.Set("certificate-chain-path", *chain)

	const timeout = 30 * time.Second
	if err := server.NewRestAPIServer(*host, *port, []string{"http"}, false, timeout, timeout).Serve(); err != nil {
		log.Logger.Error(err)
		os.Exit(1)
	}
}
