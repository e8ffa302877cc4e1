// Stands for the world's image hosts inside the cluster, for programs in pods that ask them over HTTPS (entrypoint
// lookup, signing): ends TLS for whatever name is asked for, with a certificate of the cluster's authority, and passes
// on to the cluster's registry. Pods find that authority in the ConfigMap kube-root-ca.crt of their namespace.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"log"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// minter makes one certificate per name and keeps it.
type minter struct {
	authority tls.Certificate
	key       *ecdsa.PrivateKey
	mutex     sync.Mutex
	made      map[string]*tls.Certificate
}

func (m *minter) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName == "" {
		return nil, errors.New("the client names no server (SNI)")
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if known := m.made[hello.ServerName]; known != nil {
		return known, nil
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: hello.ServerName},
		DNSNames:     []string{hello.ServerName},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     m.authority.Leaf.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, m.authority.Leaf, m.key.Public(), m.authority.PrivateKey)
	if err != nil {
		return nil, err
	}
	m.made[hello.ServerName] = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: m.key}
	return m.made[hello.ServerName], nil
}

func main() {
	listen := flag.String("listen", "", "address and port")
	registry := flag.String("registry", "", "URL of the cluster's registry")
	caCert := flag.String("ca-cert", "", "certificate of the cluster's authority")
	caKey := flag.String("ca-key", "", "its key")
	flag.Parse()
	target, err := url.Parse(*registry)
	check(err)
	authority, err := tls.LoadX509KeyPair(*caCert, *caKey)
	check(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	m := &minter{authority: authority, key: key, made: map[string]*tls.Certificate{}}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host // the registry answers with URLs of the host that was asked
	}}
	server := &http.Server{Addr: *listen, Handler: proxy, TLSConfig: &tls.Config{GetCertificate: m.certificate}}
	check(server.ListenAndServeTLS("", ""))
}

func check(err error) {
	if err != nil {
		log.Fatalln("image-hosts:", err)
	}
}
