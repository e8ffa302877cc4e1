// CoreDNS with the plugins a cluster's DNS needs and no others: the stock build links every cloud's SDK
// and takes four times as long. The order is that of the answers: stock CoreDNS has template before kubernetes,
// here it answers what the cluster does not know.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	dnsserver.Directives = []string{
		"bind", "health", "ready", "prometheus", "errors", "log", "cache", "hosts", "kubernetes", "template",
	}
	coremain.Run()
}
