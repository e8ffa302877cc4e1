// Command nop does nothing and succeeds. Its image, which holds no shell and no other command, replaces the image of a
// sidecar that must stop: the container's own command is not found there, or this program ends at once. With the
// argument "tekton_run_indefinitely" (the affinity assistant's placeholder pod) it waits for SIGTERM or SIGINT instead.
package main

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	if slices.Contains(os.Args[1:], "tekton_run_indefinitely") {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
		<-stop
	}
}
