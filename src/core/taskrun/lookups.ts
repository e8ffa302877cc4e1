import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { annotations } from '../labels.ts';
import type {
  CredentialFacts,
  CredentialsNeed,
  GroupNodeNeed,
  ImageNeed,
  LimitRangesNeed,
  LogAccessNeed,
  NativeSidecarsNeed,
  Planning,
} from '../need.ts';
import type { ImageFact } from '../pod/image.ts';
import { hasNativeSidecar } from '../pod/native-sidecars.ts';
import { hasResultsSidecar } from '../pod/results-sidecar.ts';
import type { LimitRange } from '../pod/resources.ts';
import type { Settings } from '../settings.ts';

/** What is looked up before a pod is built, and only then. */
export interface StartFacts extends CredentialFacts {
  limitRanges: LimitRange[];
  images: ReadonlyMap<string, ImageFact>;
  /** Results would come by the log of a container, which the controller may not read. */
  logsDenied?: boolean;
  /** The API server is too old for the sidecars that it would have. */
  nativeSidecarsMissing?: boolean;
  /** Where earlier pods of its group were: this one belongs there too. */
  groupNode?: string;
}

type LookUpNeed = CredentialsNeed | GroupNodeNeed | ImageNeed | LimitRangesNeed | LogAccessNeed | NativeSidecarsNeed;

/** Asks for everything that the pod of a bound Task depends on, all at once. */
export function* lookUp(taskRun: TaskRun, spec: TaskSpec, settings: Settings): Planning<StartFacts, LookUpNeed> {
  const { namespace = '' } = taskRun.metadata;
  const { serviceAccountName = '' } = taskRun.spec;
  const imagePullSecrets = (taskRun.spec.podTemplate?.imagePullSecrets ?? []).flatMap(({ name }) =>
    name ? [name] : [],
  );
  const account: CredentialsNeed = { type: 'credentials', namespace, serviceAccountName };
  const ranges: LimitRangesNeed = { type: 'limitRanges', namespace };
  const images = imagesWithoutCommand(spec).map((image): ImageNeed => {
    return { type: 'image', image, credentials: { namespace, serviceAccountName, imagePullSecrets } };
  });
  const logs: LogAccessNeed[] = hasResultsSidecar(spec, settings.flags) ? [{ type: 'logAccess', namespace }] : [];
  const sidecars: NativeSidecarsNeed[] = hasNativeSidecar(spec, settings.flags) ? [{ type: 'nativeSidecars' }] : [];
  const places = placesOf(taskRun);
  const accounts = settings.flags.disableCredsInit ? [] : [account];
  const answers = yield [...accounts, ranges, ...images, ...logs, ...sidecars, ...places];
  const [groupNode] = places.map((need) => answers.to(need));
  const credentials = settings.flags.disableCredsInit ? { secrets: [], unreadableSecrets: [] } : answers.to(account);
  return {
    ...credentials,
    limitRanges: answers.to(ranges),
    logsDenied: logs.some((need) => !answers.to(need)),
    nativeSidecarsMissing: sidecars.some((need) => !answers.to(need)),
    ...(groupNode === undefined ? {} : { groupNode }),
    images: new Map(images.map((need) => [need.image, answers.to(need)])),
  };
}

/** Asks for the node of the group that a run's pod belongs to, if it is of one. */
export function placesOf({ metadata: { namespace = '', labels } }: TaskRun): GroupNodeNeed[] {
  const group = labels?.[annotations.affinityAssistant];
  return group ? [{ type: 'groupNode', namespace, group }] : [];
}

/** Of steps over their template, as `mergeStepTemplate` puts them together. */
function imagesWithoutCommand({ steps = [], stepTemplate }: TaskSpec): string[] {
  const images = steps.flatMap((step) => {
    const command = step.command?.length ? step.command : stepTemplate?.command;
    const image = step.image || stepTemplate?.image;
    return !step.script && !command?.length && image ? [image] : [];
  });
  return [...new Set(images)];
}
