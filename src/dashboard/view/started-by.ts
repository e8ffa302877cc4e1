import type { StartedBy } from '../contract.ts';

/** Where each part is written: by Triggers, by Pipelines as Code, by the dashboards. The first that is there counts. */
const sources: Readonly<Record<Exclude<keyof StartedBy, 'trigger'>, readonly string[]>> = {
  event: ['pipelinesascode.tekton.dev/event-type', 'triggers.tektite.dev/event-type', 'tektite.dev/event'],
  repository: [
    'pipelinesascode.tekton.dev/repo-url',
    'pipelinesascode.tekton.dev/repository',
    'triggers.tektite.dev/repository',
    'tektite.dev/repository',
  ],
  commit: ['pipelinesascode.tekton.dev/sha', 'triggers.tektite.dev/revision', 'tektite.dev/commit'],
  branch: ['pipelinesascode.tekton.dev/branch', 'triggers.tektite.dev/branch', 'tektite.dev/branch'],
  person: ['pipelinesascode.tekton.dev/sender', 'triggers.tektite.dev/sender', 'tektite.dev/person'],
  scheduledTime: ['triggers.tektite.dev/scheduled-time'],
  rerunOf: ['dashboard.tekton.dev/rerunOf'],
};

interface Marks {
  labels?: Readonly<Record<string, string>> | undefined;
  annotations?: Readonly<Record<string, string>> | undefined;
}

/** Who or what started a run, by what its labels and annotations say: they are anybody's who may create runs. */
export function startedByOf({ labels = {}, annotations = {} }: Marks): StartedBy {
  const { 'triggers.tekton.dev/eventlistener': listener, 'triggers.tekton.dev/trigger': trigger } = labels;
  const through = [listener, trigger].filter((part) => part).join('/');
  const parts = Object.entries(sources).flatMap(([part, names]) => {
    const found = names.map((name) => annotations[name] ?? labels[name]).find((value) => value);
    return found === undefined ? [] : [[part, found]];
  });
  return { ...(through === '' ? {} : { trigger: through }), ...(Object.fromEntries(parts) as StartedBy) };
}
