package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// signerStub proves nothing: it says what it was asked.
const signerStub = "#!/bin/sh\n/usr/bin/printf '[{\"key\":\"asked\",\"type\":1,\"value\":\"%s\"}]' \"$(/usr/bin/sed 's/\"/\\\\\"/g')\"\n"

// outcomes is the table of CONTRACT.md, run with real processes.
func TestStepOutcomes(t *testing.T) {
	sh := func(script string) []string { return []string{"sh", "-c", script} }
	for _, row := range []struct {
		name     string
		flags    []string
		env      []string
		before   map[string]string // files before the step
		command  []string
		exit     int
		post     string // the post file that must be there, alone
		exitCode string
		message  string
		stdout   string
		stderr   string // must be contained
	}{
		{name: "success", command: sh("echo hi"), post: "out", exitCode: "0", stdout: "hi\n"},
		{name: "failure", command: sh("exit 42"), exit: 42, post: "out.err", exitCode: "(none)"},
		{name: "failure with stopAndFail", flags: []string{"-on_error", "stopAndFail"}, command: sh("exit 3"), exit: 3, post: "out.err", exitCode: "(none)"},
		{name: "failure, but continue", flags: []string{"-on_error", "continue"}, command: sh("exit 42"), post: "out", exitCode: "42", message: "3:ExitCode=42"},
		{name: "failure, with continueAndFail", flags: []string{"-on_error", "continueAndFail"}, command: sh("exit 42"), exit: 42, post: "out", exitCode: "42", message: "3:ExitCode=42"},
		{name: "success with continueAndFail", flags: []string{"-on_error", "continueAndFail"}, command: sh("echo hi"), post: "out", exitCode: "0", stdout: "hi\n"},
		{name: "killed, with continueAndFail", flags: []string{"-on_error=continueAndFail"}, command: sh("kill -9 $$"), exit: 255, post: "out", exitCode: "-1", message: "3:ExitCode=-1"},
		{name: "timeout although continueAndFail", flags: []string{"-timeout", "50ms", "-on_error", "continueAndFail"}, command: sh("sleep 60"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Reason=TimeoutExceeded"},
		{name: "killed by a signal", command: sh("kill -9 $$"), exit: 255, post: "out.err", exitCode: "(none)"},
		{name: "killed, but continue", flags: []string{"-on_error=continue"}, command: sh("kill -9 $$"), post: "out", exitCode: "-1", message: "3:ExitCode=-1"},
		{name: "no such command", command: []string{"/no/such/command"}, exit: 1, post: "out.err", exitCode: "(none)", stderr: "Error executing command: fork/exec /no/such/command: no such file or directory"},
		{name: "no such command is no step error", flags: []string{"-on_error", "continue"}, command: []string{"/no/such/command"}, exit: 1, post: "out.err", exitCode: "(none)"},
		{name: "no command at all", exit: 1, post: "out.err", exitCode: "(none)", message: `3:Message=no command: neither -entrypoint nor the variable TEKTON_PLATFORM_COMMANDS is set`, stderr: "neither -entrypoint nor the variable TEKTON_PLATFORM_COMMANDS is set"},
		{name: "command of the image", env: []string{`TEKTON_PLATFORM_COMMANDS={"linux/amd64":["echo","a"],"linux/arm64":["echo","a"]}`}, flags: []string{"--", "b"}, post: "out", exitCode: "0", stdout: "a b\n"},
		{name: "timeout", flags: []string{"-timeout", "50ms"}, command: sh("sleep 60"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Reason=TimeoutExceeded", stderr: "context deadline exceeded"},
		{name: "timeout although continue", flags: []string{"-timeout", "50ms", "-on_error", "continue"}, command: sh("sleep 60"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Reason=TimeoutExceeded"},
		{name: "timeout with a copied stream kept open", flags: []string{"-timeout", "50ms", "-stdout_path", "copy"}, command: sh("sleep 60 & sleep 60"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Reason=TimeoutExceeded"},
		{name: "timeout not reached", flags: []string{"-timeout", "1m"}, command: sh("echo hi"), post: "out", exitCode: "0", stdout: "hi\n"},
		{name: "negative timeout", flags: []string{"-timeout", "-1s"}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", stderr: "negative timeout specified"},
		{name: "when holds", flags: []string{"-when_expressions", `[{"input":"a","operator":"in","values":["a"]},{"cel":"'a' != 'b'"}]`}, command: sh("echo hi"), post: "out", exitCode: "0", stdout: "hi\n"},
		{name: "when does not hold", flags: []string{"-when_expressions", `[{"input":"a","operator":"notin","values":["a"]}]`}, command: sh("echo hi"), post: "out", exitCode: "0", message: "3:Reason=Skipped", stderr: "Step was skipped due to when expressions were evaluated to false."},
		{name: "when of an earlier result", flags: []string{"-when_expressions", `[{"input":"$(steps.a.results.r)","operator":"in","values":["$(steps.a.results.l[*])"]}]`}, before: map[string]string{"run/0/status/results/r": "y", "run/0/status/results/l": `["x","y"]`}, command: sh("echo hi"), post: "out", exitCode: "0", stdout: "hi\n"},
		{name: "when cannot be evaluated", flags: []string{"-when_expressions", `[{"cel":"1 +"}]`}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Message=CEL expression \"1 +\": ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^", stderr: `CEL expression "1 +": ERROR: <input>:1:4: Syntax error`},
		{name: "when without its evaluator", flags: []string{"-when_expressions", `[{"cel":"true"}]`}, before: map[string]string{"bin/entrypoint-cel": "(none)"}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Message=CEL expression \"true\": /bin/entrypoint-cel is missing: the init container brings it with -cel", stderr: "is missing"},
		{name: "when is not JSON", flags: []string{"-when_expressions", `[`}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Message=-when_expressions: unexpected end of JSON input`, stderr: "-when_expressions:"},
		{name: "task and step results", flags: []string{"-results", "a,b,none", "-step_results", "s"}, command: sh(`printf 1 > $D/results/a; printf '["x"]' > $D/results/b; printf 2 > $D/run/0/status/results/s`), post: "out", exitCode: "0", message: `1:a=1 1:b=["x"] 4:s=2`},
		{name: "results of a failing step", flags: []string{"-results", "a"}, command: sh(`printf 1 > $D/results/a; exit 7`), exit: 7, post: "out.err", exitCode: "(none)", message: `1:a=1`},
		{name: "artifacts", command: sh(`printf '{}' > $D/run/0/status/artifacts/provenance.json; mkdir $D/artifacts; printf '{"outputs":[]}' > $D/artifacts/provenance.json`), post: "out", exitCode: "0", message: `5:/run/0/status/artifacts/provenance.json={} 6:/artifacts/provenance.json={"outputs":[]}`},
		{name: "results by sidecar", flags: []string{"-results", "a", "-result_from", "sidecar-logs"}, command: sh(`printf 1 > $D/results/a; printf '{}' > $D/run/0/status/artifacts/provenance.json`), post: "out", exitCode: "0"},
		{name: "result too large", flags: []string{"-results", "a"}, command: sh(`head -c 4096 /dev/zero | tr '\0' x > $D/results/a`), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Reason=TaskRunResultLargerThanAllowedLimit 3:Message=task result "a" has 4096 bytes; all that this step reports takes 4193, and may have 4096`, stderr: "Termination message is above max allowed size 4096, caused by large task result."},
		{name: "result too large for a pod of many containers", flags: []string{"-results", "a,b", "-termination_message_limit", "409"}, command: sh(`printf 1 > $D/results/b; head -c 400 /dev/zero | tr '\0' x > $D/results/a`), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Reason=TaskRunResultLargerThanAllowedLimit 3:Message=task result "a" has 400 bytes; all that this step reports takes 530, and may have 409`, stderr: "Termination message is above max allowed size 409, caused by large task result."},
		{name: "limit out of range", flags: []string{"-termination_message_limit", "5000"}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Message=-termination_message_limit: 5000 is not between 1 and 4096`, stderr: "-termination_message_limit: 5000 is not between 1 and 4096"},
		{name: "result too large although continue", flags: []string{"-results", "a", "-on_error", "continue"}, command: sh(`head -c 4096 /dev/zero | tr '\0' x > $D/results/a; exit 3`), exit: 1, post: "out.err", exitCode: "(none)", message: `3:ExitCode=3 3:Reason=TaskRunResultLargerThanAllowedLimit 3:Message=task result "a" has 4096 bytes; all that this step reports takes 4233, and may have 4096`},
		{name: "large result compressed", flags: []string{"-results", "a", "-compress_termination_message"}, command: sh(`for i in 1 2 3 4 5 6 7 8 9 0; do head -c 500 /dev/zero | tr '\0' x >> $D/results/a; done`), post: "out", exitCode: "0", message: "1:a=" + strings.Repeat("x", 5000)},
		{name: "result that is a directory", flags: []string{"-results", "a"}, command: sh(`mkdir $D/results/a`), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Reason=TaskRunResultNotAFile 3:Message=task result "a": /results/a is a directory, not a regular file`, stderr: "Error while handling results:"},
		{name: "signed", flags: []string{"-enable_spire", "-spire_sign_as", "uid/pod/step-a", "-results", "b,a"}, before: map[string]string{"bin/entrypoint-spire": signerStub}, command: sh(`printf 1 > $D/results/b; printf 2 > $D/results/a; echo '[{"key":"mine","value":"x","type":1}]' > $D/termination-0`), post: "out", exitCode: "0", message: `1:b=1 1:a=2 1:asked={"entries":[{"key":"a","value":"2","type":1},{"key":"b","value":"1","type":1}],"signAs":"uid/pod/step-a","socket":"unix:///spiffe-workload-api/spire-agent.sock"}`},
		{name: "signed that it was skipped", flags: []string{"-enable_spire", "-when_expressions", `[{"input":"a","operator":"notin","values":["a"]}]`}, before: map[string]string{"bin/entrypoint-spire": signerStub}, command: sh("echo hi"), post: "out", exitCode: "0", message: `1:asked={"entries":[],"signAs":"","socket":"unix:///spiffe-workload-api/spire-agent.sock"} 3:Reason=Skipped`, stderr: "Step was skipped"},
		{name: "signed by nobody", flags: []string{"-enable_spire", "-results", "a"}, before: map[string]string{"bin/entrypoint-spire": "#!/bin/sh\necho no identity >&2; exit 1"}, command: sh(`printf 1 > $D/results/a`), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Message=what the step reports could not be signed: /bin/entrypoint-spire: exit status 1: no identity`, stderr: "no identity"},
		{name: "signer that answers nothing", flags: []string{"-enable_spire"}, before: map[string]string{"bin/entrypoint-spire": "#!/bin/sh\ncat > /dev/null; echo []"}, command: sh("true"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Message=what the step reports could not be signed: /bin/entrypoint-spire answered \"[]\\n\"", stderr: "could not be signed"},
		{name: "signer that is missing", flags: []string{"-enable_spire"}, command: sh("true"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Message=what the step reports could not be signed: /bin/entrypoint-spire is missing: the init container brings it with -spire", stderr: "is missing"},
		{name: "signing what a sidecar tells", flags: []string{"-enable_spire", "-result_from", "sidecar-logs"}, command: sh("true"), exit: 1, post: "out.err", exitCode: "(none)", message: "3:Message=-enable_spire: only what is in the termination message is signed; leave out -result_from", stderr: "leave out -result_from"},
		{name: "unknown flag", flags: []string{"-no_such_flag"}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Message=flag provided but not defined: -no_such_flag`, stderr: "flag provided but not defined: -no_such_flag"},
		{name: "bad on_error", flags: []string{"-on_error", "maybe"}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Message=-on_error: "maybe" is not one of continue, stopAndFail, continueAndFail`, stderr: `-on_error: "maybe" is not one of continue, stopAndFail, continueAndFail`},
		{name: "missing secret", flags: []string{"-basic-git=none=https://example.com"}, command: sh("echo hi"), exit: 1, post: "out.err", exitCode: "(none)", message: `3:Message=-basic-git: secret none: open /creds-secrets/none/username: no such file or directory`, stderr: "-basic-git: secret none:"},
		{name: "step result in command, args and env", env: []string{"V=<$(steps.a.results.o.k)>"}, before: map[string]string{"run/0/status/results/l": `["x","y z"]`, "run/0/status/results/o": `{"k":"v"}`}, command: []string{"sh", "-c", `echo "$V" "$@"`, "sh", "$(steps.a.results.l[*])", "$(steps.a.results.l[1])!", "$(steps.a.results.none)"}, post: "out", exitCode: "0", stdout: "<v> x y z y z! $(steps.a.results.none)\n", stderr: "Error while substituting $(steps.a.results.none):"},
		{name: "artifact in a script", before: map[string]string{"scripts/s": "#!/bin/sh\necho '$(steps.a.outputs.i)'\n", "run/0/status/artifacts/provenance.json": `{"outputs":[{"name":"i","values":[{"uri":"u","digest":{"sha256":"d"}}]}]}`}, flags: []string{"-result_from", "sidecar-logs"}, command: []string{"$D/scripts/s"}, post: "out", exitCode: "0", stdout: `[{"digest":{"sha256":"d"},"uri":"u"}]` + "\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			for name, content := range row.before {
				if content == "(none)" {
					p.must(os.Remove(p.path(name)))
					continue
				}
				p.write(name, content)
			}
			command := append([]string{}, row.command...)
			for i := range command {
				command[i] = strings.ReplaceAll(command[i], "$D", p.dir)
			}
			run, exit := p.step(0, row.env, row.flags, command...)
			if exit != row.exit {
				t.Errorf("exit %d, want %d; stderr:\n%s", exit, row.exit, run.stderr)
			}
			for _, name := range []string{"out", "out.err"} {
				if got := p.exists("run/0/" + name); got != (name == row.post) {
					t.Errorf("%s exists: %t", name, got)
				}
			}
			if got := p.read("run/0/status/exitCode"); got != row.exitCode {
				t.Errorf("exitCode %q, want %q", got, row.exitCode)
			}
			if got := p.message(0); got != row.message {
				t.Errorf("message %q, want %q", got, row.message)
			}
			if got := run.stdout.String(); got != row.stdout {
				t.Errorf("stdout %q, want %q", got, row.stdout)
			}
			if got := run.stderr.String(); !strings.Contains(got, row.stderr) {
				t.Errorf("stderr %q, want %q in it", got, row.stderr)
			}
		})
	}
}

func TestStepsAfterAFailureAreSkipped(t *testing.T) {
	t.Parallel()
	p := newPod(t)
	second := p.start(nil, append(p.flags(1), "-entrypoint", "echo", "--", "two")...)
	third := p.start(nil, append(p.flags(2), "-entrypoint", "echo", "--", "three")...)
	p.step(0, nil, nil, "false")
	for i, later := range []process{second, third} {
		if exit := later.end(); exit != 1 || later.stdout.Len() > 0 {
			t.Errorf("step %d: exit %d, stdout %q", i+1, exit, later.stdout)
		}
		if !strings.Contains(later.stderr.String(), "Skipping step because a previous step failed") {
			t.Errorf("step %d: stderr %q", i+1, later.stderr)
		}
		if got := p.message(i + 1); got != "3:Reason=Skipped" {
			t.Errorf("step %d: message %q", i+1, got)
		}
	}
}

func TestFirstStepWaitsForContentOfTheReadyFile(t *testing.T) {
	t.Parallel()
	p := newPod(t)
	// The kubelet's way: a link to a file in a directory that a link names, which is swapped.
	p.write("downward/..1/ready", "")
	p.must(os.Symlink("..1", p.path("downward/..data")))
	p.must(os.Symlink("..data/ready", p.path("downward/ready")))
	run := p.start(nil, append(p.flags(0), "-wait_file", p.path("downward/ready"), "-wait_file_content", "-entrypoint", "echo", "--", "hi")...)
	time.Sleep(100 * time.Millisecond)
	if p.exists("run/0/out") {
		t.Fatal("the step did not wait")
	}
	p.write("downward/..2/ready", "READY")
	p.must(os.Symlink("..2", p.path("downward/..tmp")))
	p.must(os.Rename(p.path("downward/..tmp"), p.path("downward/..data")))
	if exit := run.end(); exit != 0 || run.stdout.String() != "hi\n" {
		t.Errorf("exit %d, stdout %q", exit, run.stdout)
	}
}

func TestCancel(t *testing.T) {
	for _, row := range []struct{ name, onError string }{{"plain", "stopAndFail"}, {"continue does not help", "continue"}, {"continueAndFail does not help", "continueAndFail"}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			run := p.start(nil, append(p.flags(0), "-on_error", row.onError, "-results", "r", "-entrypoint", "sh", "--", "-c",
				"printf kept > "+p.path("results/r")+"; sleep 60 & echo $! > "+p.path("child")+"; sleep 60")...)
			p.eventually("the command runs", func() bool { return strings.HasSuffix(p.read("child"), "\n") })
			p.write("downward/cancel", "CANCEL")
			if exit := run.end(); exit != 9 {
				t.Errorf("exit %d, want 9", exit)
			}
			if got := p.message(0); got != "1:r=kept 3:Reason=Cancelled" {
				t.Errorf("message %q", got)
			}
			if got := p.read("run/0/status/exitCode"); got != "killed" {
				t.Errorf("exitCode %q", got)
			}
			if !p.exists("run/0/out.err") || p.exists("run/0/out") {
				t.Error("want out.err alone")
			}
			child := strings.TrimSpace(p.read("child"))
			p.eventually("the whole group is gone", func() bool {
				state, err := os.ReadFile("/proc/" + child + "/stat")
				return err != nil || strings.Contains(string(state), ") Z ")
			})
		})
	}
}

func TestSignalsReachTheWholeGroup(t *testing.T) {
	p := newPod(t)
	script := `trap 'echo parent; wait; exit 5' TERM
sh -c 'trap "echo child; exit" TERM; : > ` + p.path("up") + `; while :; do sleep 0.02; done' & wait`
	run := p.start(nil, append(p.flags(0), "-entrypoint", "sh", "--", "-c", script)...)
	p.eventually("the child is up", func() bool { return p.exists("up") })
	p.must(run.Process.Signal(syscall.SIGTERM))
	if exit := run.end(); exit != 5 {
		t.Errorf("exit %d, want 5", exit)
	}
	for _, who := range []string{"parent", "child"} {
		if !strings.Contains(run.stdout.String(), who+"\n") {
			t.Errorf("%s did not get the signal; stdout %q", who, run.stdout)
		}
	}
}

func TestStreamsAreCopied(t *testing.T) {
	t.Parallel()
	p := newPod(t)
	p.write("logs/both", "before\n")
	run, exit := p.step(0, nil, []string{"-stdout_path", p.path("logs/both"), "-stderr_path", p.path("logs/both")}, "sh", "-c", "echo one; sleep 0.1; echo two >&2")
	if exit != 0 || run.stdout.String() != "one\n" || run.stderr.String() != "two\n" {
		t.Errorf("exit %d, stdout %q, stderr %q", exit, run.stdout, run.stderr)
	}
	if got := p.read("logs/both"); got != "before\none\ntwo\n" {
		t.Errorf("copy %q", got)
	}
}

func TestBreakpointOnFailure(t *testing.T) {
	for _, row := range []struct {
		name    string
		content string
		later   string // written a moment after the file is made
		exit    int
	}{{"continue", "0\n", "", 0}, {"fail", "1\n", "", 1}, {"filled after it is made", "", "3\n", 3}, {"not a number", "x", "", 0}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			run := p.start(nil, append(p.flags(0), "-breakpoint_on_failure", "-on_error", "continue", "-entrypoint", "false", "--")...)
			p.eventually("the message is there", func() bool { return p.exists("termination-0") })
			time.Sleep(50 * time.Millisecond)
			if p.exists("run/0/out") || p.exists("run/0/out.err") {
				t.Fatal("a post file before the decision")
			}
			p.write("run/0/out.breakpointexit", row.content)
			if row.later != "" {
				time.Sleep(100 * time.Millisecond)
				p.write("run/0/out.breakpointexit", row.later)
			}
			if exit := run.end(); exit != row.exit {
				t.Errorf("exit %d, want %d; stderr:\n%s", exit, row.exit, run.stderr)
			}
		})
	}
}

func TestStepAfterAFailedOneRunsWhenDebugging(t *testing.T) {
	p := newPod(t)
	p.write("run/0/out.err", "")
	run, exit := p.step(1, nil, []string{"-breakpoint_on_failure"}, "echo", "hi")
	if exit != 0 || run.stdout.String() != "hi\n" || !p.exists("run/1/out") {
		t.Errorf("exit %d, stdout %q", exit, run.stdout)
	}
}

func TestDebugBeforeStep(t *testing.T) {
	for _, row := range []struct {
		name, file, stdout, post string
		exit                     int
	}{{"continue", "out.beforestepexit", "hi\n", "out", 0}, {"fail", "out.beforestepexit.err", "", "out.err", 1}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t)
			run := p.start(nil, append(p.flags(0), "-debug_before_step", "-entrypoint", "echo", "--", "hi")...)
			time.Sleep(50 * time.Millisecond)
			if p.exists("termination-0") {
				t.Fatal("it did not wait")
			}
			p.write("run/0/"+row.file, "")
			if exit := run.end(); exit != row.exit || run.stdout.String() != row.stdout || !p.exists("run/0/"+row.post) {
				t.Errorf("exit %d, stdout %q, stderr %q", exit, run.stdout, run.stderr)
			}
		})
	}
}

// A step reports the task results it wrote, not those of steps before.
func TestStepsReportOnlyTheirOwnTaskResults(t *testing.T) {
	p := newPod(t)
	flags := []string{"-results", "x,y"}
	skipped := append([]string{"-when_expressions", `[{"input":"a","operator":"in","values":["b"]}]`}, flags...)
	for i, row := range []struct {
		flags         []string
		script, wants string
	}{
		{flags, "printf 1 > results/x", "1:x=1"},
		{skipped, "", "3:Reason=Skipped"},
		{flags, "printf 2 > results/y", "1:y=2"},
	} {
		p.step(i, nil, row.flags, "sh", "-c", "cd "+p.dir+"; "+row.script)
		if got := p.message(i); got != row.wants {
			t.Errorf("step %d: message %q, want %q", i, got, row.wants)
		}
	}
}

// A step before that foresees what this one will say cannot make it say nothing.
func TestForeseenResultIsReported(t *testing.T) {
	p := newPod(t)
	flags := []string{"-results", "verdict"}
	p.step(0, nil, flags, "sh", "-c", "cd "+p.dir+"; printf bad > results/verdict")
	p.step(1, nil, flags, "sh", "-c", "cd "+p.dir+"; printf bad > results/verdict")
	if got := p.message(1); got != "1:verdict=bad" {
		t.Errorf("message %q", got)
	}
}

// Whoever sees the post file must find the message, the exit code and the results complete.
func TestEverythingIsThereBeforeTheNextStepStarts(t *testing.T) {
	p := newPod(t)
	second := p.start(nil, append(p.flags(1), "-entrypoint", "cat", "--", p.path("steps/step-a/exitCode"), p.path("termination-0"))...)
	p.step(0, nil, []string{"-results", "r"}, "sh", "-c", "printf v > "+p.path("results/r"))
	if exit := second.end(); exit != 0 || !strings.HasPrefix(second.stdout.String(), `0[{"key":"r","value":"v","type":1},{"key":"StartedAt",`) {
		t.Errorf("exit %d, stdout %q, stderr %q", exit, second.stdout, second.stderr)
	}
}

// TestWakeUp measures from the moment the next step is released to the moment its command runs.
func TestWakeUp(t *testing.T) {
	p := newPod(t)
	second := p.start(nil, append(p.flags(1), "-entrypoint", "date", "--", "+%s%N")...)
	time.Sleep(time.Second)
	released := time.Now()
	p.write("run/0/out", "")
	if exit := second.end(); exit != 0 {
		t.Fatalf("exit %d: %s", exit, second.stderr)
	}
	var nanoseconds int64
	for _, digit := range strings.TrimSpace(second.stdout.String()) {
		nanoseconds = nanoseconds*10 + int64(digit-'0')
	}
	latency := time.Unix(0, nanoseconds).Sub(released)
	t.Logf("wake-up latency %v", latency)
	if latency > 500*time.Millisecond { // generous: the machine may be busy; upstream's mean is 500 ms
		t.Errorf("wake-up latency %v", latency)
	}
}

// Run as PID 1 the entrypoint reaps what its command leaves behind.
func TestOrphansAreReaped(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for a pid namespace")
	}
	p := newPod(t)
	// Two orphans end while the command still runs; then only PID 1, the command and ps-like reading of /proc remain.
	script := `(sh -c 'exit 0' & sh -c 'exit 0' & exec true); sleep 0.3; cat /proc/*/stat 2>/dev/null | grep -c ') Z ' ; exit 6`
	args := append(p.flags(0), "-entrypoint", "sh", "--", "-c", "mount -t proc proc /proc && "+script)
	started := p.startIsolated(args...)
	exit := started.end()
	if strings.Contains(started.stderr.String(), "mount") {
		t.Skipf("no namespace here: %s", started.stderr)
	}
	if exit != 6 || strings.TrimSpace(started.stdout.String()) != "0" {
		t.Errorf("exit %d, zombies %q", exit, started.stdout)
	}
}

// A hermetic command sees no network but its own loopback.
func TestHermetic(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mapping all users needs root")
	}
	for _, row := range []struct {
		name, hermetic, resource string
		isolated                 bool
	}{{"on", "1", "", true}, {"off", "0", "", false}, {"not for resources", "1", "git", false}} {
		p := newPod(t)
		run, exit := p.step(0, []string{"TEKTON_HERMETIC=" + row.hermetic, "TEKTON_RESOURCE_NAME=" + row.resource}, nil, "readlink", "/proc/self/ns/net")
		if strings.Contains(run.stderr.String(), "operation not permitted") {
			t.Skipf("no namespaces here: %s", run.stderr)
		}
		own, err := os.Readlink("/proc/self/ns/net")
		p.must(err)
		seen := run.stdout.String()
		if exit != 0 || !strings.HasPrefix(seen, "net:[") || strings.HasPrefix(seen, own) == row.isolated {
			t.Errorf("%s: exit %d, namespaces %q (own %q), stderr %q", row.name, exit, seen, own, run.stderr)
		}
	}
}

// Steps of one pod may run as different users, with strict umasks.
func TestStepsOfDifferentUsers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become other users")
	}
	defer syscall.Umask(syscall.Umask(0o077))
	p := newPod(t)
	p.must(initialize([]string{"-tekton_dir", p.dir, "-workspace_dir", p.path("workspace"), "-script", "s=" + encode("#!/bin/sh\numask 022\necho from $(id -u) > made\nprintf v > "+p.path("results/r")+"\n"),
		"-working_dir", "w", binary, p.path("home/entrypoint"), "step-a", "step-b"}))
	for _, name := range []string{"", "..", "../..", "run", "run/0", "run/1", "results", "steps", "scripts", "workspace"} {
		p.must(os.Chmod(p.path(name), 0o777)) // as the volumes are
	}
	as := func(uid uint32) *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	withFiles := func(i int) []string { // termination messages are the kubelet's files, writable for all
		path := p.path("termination-" + string(rune('0'+i)))
		p.must(os.WriteFile(path, nil, 0o666))
		p.must(os.Chmod(path, 0o666))
		return p.flags(i)
	}
	second := p.startWith(as(2002), nil, append(withFiles(1), "-results", "r", "-entrypoint", "cat", "--", p.path("workspace/w/made"), p.path("steps/0/exitCode"))...)
	first := p.startWith(as(1001), nil, append(withFiles(0), "-results", "r", "-entrypoint", "sh", "--", "-c", "cd "+p.path("workspace/w")+" && exec "+p.path("scripts/s"))...)
	if exit := first.end(); exit != 0 {
		t.Fatalf("first: exit %d, stderr %q", exit, first.stderr)
	}
	if exit := second.end(); exit != 0 || second.stdout.String() != "from 1001\n0" || p.message(1) != "" {
		t.Errorf("second: exit %d, stdout %q, message %q, stderr %q", exit, second.stdout, p.message(1), second.stderr)
	}
}
