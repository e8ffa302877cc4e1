/** Every rule of good practice and what it finds. config/docs/lint.md lists the same, with what to write instead. */
export const lintRules = {
  // Containers: steps, sidecars, step templates and StepActions.
  'image-tag': 'an image that may be another one tomorrow',
  'pull-policy': 'an imagePullPolicy that does not fit the image',
  'no-hashbang': 'a script that does not say what runs it',
  'errors-ignored': 'a shell script that goes on after a command that fails',
  'piped-download': 'a script that runs what it downloads',
  'traced-secret': 'a shell script that prints its commands, in a container with a secret in its environment',
  'script-injection': 'a param that becomes part of a script',
  'command-with-spaces': 'a command line where the name of a program belongs',
  'duplicate-env': 'an environment variable that is set twice',
  'plain-secret': 'a secret as the plain value of an environment variable',
  'whole-secret': 'all of a Secret in the environment',
  'duplicate-mount': 'two volumes at one place',
  'no-limits': 'a step without a memory limit',
  'request-above-limit': 'a request that is larger than its limit',
  privileged: 'a privileged container',
  'privilege-escalation': 'a container whose programs may get more rights than it has',
  'run-as-root': 'a container that runs as root because it is told to',
  'strong-capabilities': 'a capability that is as much as root on the node',
  'host-port': "a port of the node's",
  // Tasks.
  'unnamed-step': 'a step without a name',
  'no-readiness-probe': 'a sidecar that steps do not wait for',
  'host-path': 'a folder of the node',
  'container-socket': "the socket of the node's container runtime",
  'unused-volume': 'a volume that is mounted nowhere',
  'unknown-volume': 'a mount of a volume that the task does not have',
  'unwritten-result': 'a result that no step writes',
  'unchecked-workspace': 'an optional workspace that is used without a look whether it is bound',
  'unknown-workspace-variable': 'a variable of a workspace that is not declared',
  'secret-param': 'a param whose value is a secret',
  'unused-param': 'a param that is not used',
  'unused-workspace': 'a workspace that is not used',
  // What people read.
  'no-description': 'a definition without a description',
  'param-description': 'a param without a description',
  'result-description': 'a result without a description',
  'workspace-description': 'a workspace without a description',
  'kebab-case': 'a name of a param or workspace that is not in kebab-case',
  // Pipelines.
  'unread-result': 'a result that nobody reads',
  'needless-order': 'a runAfter that a result implies',
  'duplicate-order': 'a task that is named twice in runAfter',
  'constant-when': 'a guard that is always the same',
  'unshared-workspace': 'a workspace of several tasks whose files none of them shares',
  // Runs.
  'no-timeout': 'a run without a time limit of its own',
  'no-finally-time': 'a time limit that leaves nothing to the finally tasks',
  'host-network': "a run in the node's network",
  'unknown-override': 'settings of a task, step or sidecar that is not there',
  // References, and files together.
  'unpinned-reference': 'a reference to what may be another thing tomorrow',
  'missing-definition': 'a reference to what is not among the files',
  'deprecated-definition': 'a reference to what is marked as deprecated',
  'unused-definition': 'a Task or StepAction that nothing among the files refers to',
  'duplicate-object': 'two objects of one name',
  // Triggers.
  'unverified-events': 'a trigger without an interceptor',
  'unverified-signature': "an interceptor that does not check the sender's signature",
  'listener-account': 'an EventListener under the account that all pods share',
  'fixed-run-name': 'a run that the second event cannot create',
  'duplicate-param': 'a param of a template, or of a run that it makes, that is there twice',
  'unused-binding': 'a value that the template does not take',
  'missing-binding': 'a param of the template that has no value',
  // Objects.
  'old-version': 'an older version of a kind',
  'deprecated-field': 'a field that later versions do not have',
  'removed-kind': 'a kind that Tekton no longer has',
  'chains-annotation': 'an annotation that only Chains may write',
  'server-field': 'a field that the API server writes',
  'object-size': 'an object that is too large for kubectl apply',
  'unknown-rule': 'a rule to be left out that is none',
} as const satisfies Record<string, string>;

export type LintRule = keyof typeof lintRules;

export function isLintRule(name: string): name is LintRule {
  return Object.hasOwn(lintRules, name);
}
