package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	defaultTektonDir       = "/tekton"
	defaultTerminationPath = "/tekton/termination"

	onErrorContinue        = "continue"
	onErrorStopAndFail     = "stopAndFail"
	onErrorContinueAndFail = "continueAndFail"

	resultFromTerminationMessage = "termination-message"
	resultFromSidecarLogs        = "sidecar-logs"

	platformCommandsVariable = "TEKTON_PLATFORM_COMMANDS"
)

// stepOptions is everything the pod builder says about one step. CONTRACT.md explains the fields by flag name.
type stepOptions struct {
	command []string

	waitFiles          []string
	waitFileContent    bool
	postFile           string
	terminationPath    string
	metadataDir        string
	onlyChangedResults bool

	results     []string
	stepResults []string
	resultFrom  string
	messageForm
	onError          string
	timeout          time.Duration
	stdoutPath       string
	stderrPath       string
	when             []whenExpression
	breakpointOnFail bool
	debugBeforeStep  bool
	credentials      credentialFlags
	signing          signing
	tektonDir        string
}

func (o stepOptions) tekton(parts ...string) string {
	return filepath.Join(append([]string{o.tektonDir}, parts...)...)
}

// stringList is a flag that may be given several times.
type stringList []string

func (l *stringList) String() string { return strings.Join(*l, ",") }

func (l *stringList) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// commaList is a flag whose value is a comma-separated list; empty parts are dropped.
type commaList []string

func (l *commaList) String() string { return strings.Join(*l, ",") }

func (l *commaList) Set(value string) error {
	*l = nil
	for _, part := range strings.Split(value, ",") {
		if part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}

// stepFlagValues are the flags as given, before they are checked.
type stepFlagValues struct {
	options    stepOptions
	entrypoint string
	when       string
}

func newStepFlagSet(v *stepFlagValues) *flag.FlagSet {
	set := flag.NewFlagSet("entrypoint", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	o := &v.options
	set.StringVar(&v.entrypoint, "entrypoint", "", "`command` to run; its arguments follow --")
	set.Var((*commaList)(&o.waitFiles), "wait_file", "comma-separated `files` to wait for")
	set.BoolVar(&o.waitFileContent, "wait_file_content", false, "wait until the wait files are not empty")
	set.StringVar(&o.postFile, "post_file", "", "`file` to write when done (.err appended on failure)")
	set.StringVar(&o.terminationPath, "termination_path", defaultTerminationPath, "termination message `file`")
	set.StringVar(&o.metadataDir, "step_metadata_dir", "", "`directory` of the step's exit code, results and artifacts")
	set.BoolVar(&o.onlyChangedResults, "only_changed_results", false, "report task results only if this step changed them")
	set.Var((*commaList)(&o.results), "results", "comma-separated `names` of task results")
	set.Var((*commaList)(&o.stepResults), "step_results", "comma-separated `names` of step results")
	set.StringVar(&o.resultFrom, "result_from", resultFromTerminationMessage, "termination-message or sidecar-logs")
	set.IntVar(&o.messageLimit, "termination_message_limit", maxMessageSize, "`bytes` that the kubelet keeps of the termination message")
	set.BoolVar(&o.compressMessage, "compress_termination_message", false, "compress the termination message")
	set.StringVar(&o.onError, "on_error", "", "continue, stopAndFail or continueAndFail")
	set.DurationVar(&o.timeout, "timeout", 0, "kill the command after this long")
	set.StringVar(&o.stdoutPath, "stdout_path", "", "`file` to copy stdout to")
	set.StringVar(&o.stderrPath, "stderr_path", "", "`file` to copy stderr to")
	set.StringVar(&v.when, "when_expressions", "", "`JSON` list of when expressions")
	set.BoolVar(&o.breakpointOnFail, "breakpoint_on_failure", false, "stay up after a failure, for debugging")
	set.BoolVar(&o.debugBeforeStep, "debug_before_step", false, "wait for a decision before the command, for debugging")
	set.Var(&o.credentials.basicGit, "basic-git", "`secret=url`, repeatable")
	set.Var(&o.credentials.sshGit, "ssh-git", "`secret=host`, repeatable")
	set.BoolVar(&o.credentials.requireKnownHosts, "require_git_ssh_known_hosts", false, "refuse SSH keys without known_hosts")
	set.Var(&o.credentials.basicDocker, "basic-docker", "`secret=url`, repeatable")
	set.Var(&o.credentials.dockerConfig, "docker-config", "`secret` of type kubernetes.io/dockerconfigjson, repeatable")
	set.Var(&o.credentials.dockerCfg, "docker-cfg", "`secret` of type kubernetes.io/dockercfg, repeatable")
	set.BoolVar(&o.signing.enabled, "enable_spire", false, "sign what the step reports, with the key of its SPIFFE identity")
	set.StringVar(&o.signing.socket, "spire_socket_path", "unix:///spiffe-workload-api/spire-agent.sock", "`address` of the SPIFFE Workload API")
	set.StringVar(&o.signing.as, "spire_sign_as", "", "`name` of the step of the run, for which alone the signature holds")
	set.StringVar(&o.tektonDir, "tekton_dir", defaultTektonDir, "root of the well-known `directories`")
	return set
}

func stepUsage() string {
	var text strings.Builder
	text.WriteString("usage: entrypoint FLAGS... -- ARGS...\n")
	set := newStepFlagSet(&stepFlagValues{})
	set.SetOutput(&text)
	set.PrintDefaults()
	return text.String()
}

// parseStepArguments reads the flags before the first `--` and the command's arguments after it. On an error the
// options hold what was understood so far, so that the caller can still tell the next step.
func parseStepArguments(args []string) (stepOptions, error) {
	own, commandArgs := args, []string(nil)
	for i, arg := range args {
		if arg == "--" {
			own, commandArgs = args[:i], args[i+1:]
			break
		}
	}
	values := stepFlagValues{}
	set := newStepFlagSet(&values)
	if err := set.Parse(own); err != nil {
		return values.options, err
	}
	if set.NArg() > 0 {
		return values.options, fmt.Errorf("unexpected argument %q; the command's arguments go after --", set.Arg(0))
	}
	if err := values.check(); err != nil {
		return values.options, err
	}
	head, err := commandHead(values.entrypoint, os.Getenv(platformCommandsVariable))
	if err != nil {
		return values.options, err
	}
	values.options.command = append(head, commandArgs...)
	return values.options, nil
}

func (v *stepFlagValues) check() error {
	o := &v.options
	if o.signing.enabled && o.resultFrom != resultFromTerminationMessage {
		return errors.New("-enable_spire: only what is in the termination message is signed; leave out -result_from")
	}
	if !slices.Contains([]string{"", onErrorContinue, onErrorStopAndFail, onErrorContinueAndFail}, o.onError) {
		return fmt.Errorf("-on_error: %q is not one of %s, %s, %s", o.onError, onErrorContinue, onErrorStopAndFail, onErrorContinueAndFail)
	}
	if o.resultFrom != resultFromTerminationMessage && o.resultFrom != resultFromSidecarLogs {
		return fmt.Errorf("-result_from: %q is not one of %s, %s", o.resultFrom, resultFromTerminationMessage, resultFromSidecarLogs)
	}
	if o.messageLimit < 1 || o.messageLimit > maxMessageSize {
		limit := o.messageLimit
		o.messageLimit = maxMessageSize
		return fmt.Errorf("-termination_message_limit: %d is not between 1 and %d", limit, maxMessageSize)
	}
	if v.when != "" {
		if err := json.Unmarshal([]byte(v.when), &o.when); err != nil {
			return fmt.Errorf("-when_expressions: %w", err)
		}
	}
	return nil
}
