package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// contractFile is the file that the pod builder's tests read too.
type contractFile struct {
	Limits struct {
		MaxTerminationMessageBytes int
	}
	Init struct {
		Flags    []contractFlag
		Examples []struct {
			Name string
			Args []string
			Want struct {
				Source, Destination string
				Steps               []string
				Scripts             map[string]string
				WorkingDirs         []string
				CEL, Spire          bool
			}
		}
	}
	Step struct {
		Flags    []contractFlag
		Examples []struct {
			Name string
			Env  map[string]string
			Args []string
			Want map[string]any
		}
	}
	Results struct {
		Flags    []contractFlag
		Examples []struct {
			Name string
			Args []string
			Want map[string]any
		}
	}
}

type contractFlag struct{ Name, Kind, Default string }

func readContract(t *testing.T) contractFile {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "test", "contract", "entrypoint-flags.json"))
	if err != nil {
		t.Fatal(err)
	}
	var contract contractFile
	if err := json.Unmarshal(data, &contract); err != nil {
		t.Fatal(err)
	}
	return contract
}

func TestContractListsEveryStepFlag(t *testing.T) {
	contract := readContract(t)
	listed := map[string]string{}
	for _, item := range contract.Step.Flags {
		listed[item.Name] = item.Default
	}
	defined := map[string]string{}
	newStepFlagSet(&stepFlagValues{}).VisitAll(func(f *flag.Flag) { defined[f.Name] = f.DefValue })
	if !reflect.DeepEqual(listed, defined) {
		t.Errorf("the contract lists %v\nthe binary knows %v", listed, defined)
	}
	if contract.Limits.MaxTerminationMessageBytes != maxMessageSize {
		t.Errorf("limit %d, want %d", contract.Limits.MaxTerminationMessageBytes, maxMessageSize)
	}
}

func TestContractInitExamples(t *testing.T) {
	for _, example := range readContract(t).Init.Examples {
		got, err := parseInitArguments(example.Args[1:])
		scripts := map[string]string{}
		for _, script := range got.scripts {
			scripts[script.path] = string(script.content)
		}
		want := example.Want
		if err != nil || got.source != want.Source || got.destination != want.Destination || !slices.Equal(got.steps, want.Steps) ||
			!reflect.DeepEqual(scripts, want.Scripts) || !slices.Equal(got.workingDirs, want.WorkingDirs) || got.withCEL != want.CEL || got.withSpire != want.Spire {
			t.Errorf("%s: got %+v %v (%v)\nwant %+v", example.Name, got, scripts, err, want)
		}
	}
}

func TestContractStepExamples(t *testing.T) {
	for _, example := range readContract(t).Step.Examples {
		t.Run(example.Name, func(t *testing.T) {
			for name, value := range example.Env {
				t.Setenv(name, value)
			}
			o, err := parseStepArguments(example.Args)
			if err != nil {
				t.Fatal(err)
			}
			all := map[string]any{
				"command": o.command, "wait_file": o.waitFiles, "wait_file_content": o.waitFileContent, "post_file": o.postFile,
				"step_metadata_dir": o.metadataDir, "only_changed_results": o.onlyChangedResults, "termination_message_limit": o.messageLimit, "on_error": o.onError,
				"timeout": o.timeout.String(), "stdout_path": o.stdoutPath, "stderr_path": o.stderrPath, "results": o.results,
				"step_results": o.stepResults, "compress_termination_message": o.compressMessage,
				"breakpoint_on_failure": o.breakpointOnFail, "debug_before_step": o.debugBeforeStep,
			}
			for name, want := range example.Want {
				wanted, _ := json.Marshal(want)
				got, _ := json.Marshal(all[name])
				if string(got) != string(wanted) {
					t.Errorf("%s: %s, want %s", name, got, wanted)
				}
			}
			if strings.Contains(example.Name, "everything") && (len(o.when) != 1 || len(o.credentials.basicGit) != 1 || len(o.credentials.dockerConfig) != 1) {
				t.Errorf("when %v, credentials %v", o.when, o.credentials)
			}
		})
	}
}

func TestContractResults(t *testing.T) {
	contract := readContract(t).Results
	listed, defined := map[string]string{}, map[string]string{}
	for _, item := range contract.Flags {
		listed[item.Name] = item.Default
	}
	var stepResults string
	newSidecarFlagSet(&sidecarOptions{}, &stepResults).VisitAll(func(f *flag.Flag) { defined[f.Name] = f.DefValue })
	if !reflect.DeepEqual(listed, defined) {
		t.Errorf("the contract lists %v\nthe binary knows %v", listed, defined)
	}
	for _, example := range contract.Examples {
		o, err := parseSidecarArguments(example.Args[1:])
		got, _ := json.Marshal(map[string]any{
			"steps": o.steps, "results": o.results, "step_results": o.stepResults,
			"max_result_size": o.maxSize, "polling_interval": o.poll.String(),
		})
		if want, _ := json.Marshal(example.Want); err != nil || string(got) != string(want) {
			t.Errorf("%s: %s (%v), want %s", example.Name, got, err, want)
		}
	}
}

func TestCommandForPlatform(t *testing.T) {
	commands := map[string][]string{"linux/amd64": {"a"}, "linux/arm64/v8": {"b"}, "linux/arm64/v9": {"x"}, "linux/s390x/z": {"c"}, "linux/arm/v6": {"d"}, "linux/arm/v7": {"e"}}
	for _, row := range []struct{ platform, want, err string }{
		{"linux/amd64", "a", ""},
		{"linux/arm64", "b", ""},
		{"linux/s390x", "c", ""},
		{"linux/arm", "", `could not find command for platform "linux/arm"; the image has linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64/v8, linux/arm64/v9, linux/s390x/z`},
	} {
		got, err := commandForPlatform(commands, row.platform)
		switch {
		case row.err != "":
			if err == nil || err.Error() != row.err {
				t.Errorf("%s: %v, want %s", row.platform, err, row.err)
			}
		case err != nil || !slices.Equal(got, []string{row.want}):
			t.Errorf("%s: %v (%v), want %s", row.platform, got, err, row.want)
		}
	}
}
