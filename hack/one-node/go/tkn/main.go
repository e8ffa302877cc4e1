// tkn's own commands for runs and for the kinds of Triggers, and its version, as one program. tkn's main package cannot
// be built where the module of Tekton Hub, which only `tkn hub` needs, is not to be had.
package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/tektoncd/cli/pkg/cli"
	"github.com/tektoncd/cli/pkg/cmd/bundle"
	"github.com/tektoncd/cli/pkg/cmd/clustertriggerbinding"
	"github.com/tektoncd/cli/pkg/cmd/completion"
	"github.com/tektoncd/cli/pkg/cmd/customrun"
	"github.com/tektoncd/cli/pkg/cmd/eventlistener"
	"github.com/tektoncd/cli/pkg/cmd/pipeline"
	"github.com/tektoncd/cli/pkg/cmd/pipelinerun"
	"github.com/tektoncd/cli/pkg/cmd/task"
	"github.com/tektoncd/cli/pkg/cmd/taskrun"
	"github.com/tektoncd/cli/pkg/cmd/triggerbinding"
	"github.com/tektoncd/cli/pkg/cmd/triggertemplate"
	"github.com/tektoncd/cli/pkg/cmd/version"
)

func main() {
	params := &cli.TektonParams{}
	root := &cobra.Command{Use: "tkn", SilenceUsage: true}
	root.AddCommand(
		bundle.Command(params),
		pipeline.Command(params),
		task.Command(params),
		completion.Command(),
		pipelinerun.Command(params),
		taskrun.Command(params),
		customrun.Command(params),
		eventlistener.Command(params),
		triggerbinding.Command(params),
		clustertriggerbinding.Command(params),
		triggertemplate.Command(params),
		version.Command(params),
	)
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
