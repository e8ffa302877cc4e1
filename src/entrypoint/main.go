// Command entrypoint is PID 1 of every step container: it waits for its turn, runs the step's command, and reports to
// the next step and, through the termination message, to the controller. As `init` it prepares the pod, as
// `results` it tells through its log what the steps left. CONTRACT.md is its interface.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	os.Exit(dispatch(os.Args[1:]))
}

// dispatch runs a subcommand or a step and returns the exit status.
func dispatch(args []string) int {
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		if err := runSubcommand(args[0], args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "entrypoint %s: %v\n", args[0], err)
			return 1
		}
		return 0
	}
	options, err := parseStepArguments(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(os.Stderr, stepUsage())
		return 0
	}
	current := newStep(options)
	if err != nil {
		return current.refuse(err)
	}
	return current.run()
}

// runSubcommand runs one of the subcommands of the init container and the results sidecar.
func runSubcommand(name string, args []string) error {
	switch name {
	case "init":
		return initialize(args)
	case "results":
		return tellResults(args, os.Stdout)
	case "step-init":
		return linkSteps(defaultTektonDir, args)
	case "cp":
		if len(args) != 2 {
			return fmt.Errorf("want SRC and DST, got %d arguments", len(args))
		}
		return copyExecutable(args[0], args[1])
	case "decode-script":
		if len(args) != 1 {
			return fmt.Errorf("want one FILE, got %d arguments", len(args))
		}
		return decodeScript(args[0])
	default:
		return errors.New("unknown subcommand; want init, results, step-init, cp, decode-script, or flags and `-- ARGS` to run a step")
	}
}

func init() {
	log.SetFlags(log.LstdFlags)
}
