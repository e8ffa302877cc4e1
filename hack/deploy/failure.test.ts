import { describe, expect, it } from 'vitest';
import { attempt, CommandError } from '../command.ts';
import { failureLine } from './failure.ts';

const helm = (output: string) => new CommandError(['helm', 'upgrade', '--install'], { status: 1, output });
const refused = (crd: string) =>
  `CustomResourceDefinition.apiextensions.k8s.io "${crd}" is invalid: spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook`;

describe('failureLine', () => {
  it.each<[string, unknown, string]>([
    [
      "CRDs of another installation's, said several times over",
      helm(`W1128 warning\nError: UPGRADE FAILED: ${refused('tasks.tekton.dev')}\n${refused('taskruns.tekton.dev')}\n`),
      `UPGRADE FAILED: ${refused('tasks.tekton.dev')}; the CRDs there are still another installation's: README, "Bring a Tekton cluster over", says how to hand them over`,
    ],
    [
      'a role that does not get ready',
      helm('Error: UPGRADE FAILED: context deadline exceeded\n'),
      'UPGRADE FAILED: context deadline exceeded; not every role gets ready: kubectl -n tekton-pipelines describe pods says why',
    ],
    [
      'a webhook that is down, over settings that it would have checked',
      helm(
        'Error: UPGRADE FAILED: Internal error occurred: failed calling webhook "config.webhook.pipeline.tekton.dev": failed to call webhook: no endpoints available for service "tekton-pipelines-webhook"\n',
      ),
      'UPGRADE FAILED: Internal error occurred: failed calling webhook "config.webhook.pipeline.tekton.dev": failed to call webhook: no endpoints available for service "tekton-pipelines-webhook"; a webhook does not answer, and nothing is taken without it: README, "Install", says how to let changes in',
    ],
    [
      'a user without rights',
      helm('Error: namespaces is forbidden: User "u" cannot create resource'),
      `namespaces is forbidden: User "u" cannot create resource; installing needs a cluster administrator's rights: choose another --context`,
    ],
    [
      'an API server that is gone',
      helm('Error: Kubernetes cluster unreachable: dial tcp 127.0.0.1:1: connect: connection refused'),
      'Kubernetes cluster unreachable: dial tcp 127.0.0.1:1: connect: connection refused; the API server does not answer: check --context and --kubeconfig',
    ],
    ['another failure of a command', helm('first\nsecond\n'), 'first; TEKTITE_VERBOSE=1 shows all that was printed'],
    ['an error of our own', new Error('--set "x": write KEY=VALUE'), '--set "x": write KEY=VALUE'],
    ['something thrown', 'text', 'text'],
  ])('%s', (_name, error, line) => {
    expect(failureLine(error)).toBe(line);
  });
});

it('the command prints that line alone', async () => {
  const result = await attempt([process.execPath, 'hack/deploy/main.ts', '--set', 'x']);
  expect(result).toMatchObject({ status: 1, output: 'hack/deploy: --set "x": write KEY=VALUE\n' });
});
