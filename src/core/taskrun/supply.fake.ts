import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { AnswerTo, ContainerLog, Need, TrustBundleAnswer } from '../need.ts';
import type { Reference } from '../reference/reference.ts';
import type { Resolved } from '../reference/resolved.ts';
import type { StartFacts } from './lookups.ts';

export const nothingFound: StartFacts = { secrets: [], unreadableSecrets: [], limitRanges: [], images: new Map() };

export interface Findings {
  /** What became of spec.taskRef. */
  task?: Resolved<'Task'> | undefined;
  /** What became of steps' refs, by the StepAction's or the resolver's name. */
  actions?: Readonly<Record<string, Resolved<'StepAction'>>> | undefined;
  start?: StartFacts | undefined;
  podWarning?: string | undefined;
  /** What the results sidecar printed, or why that cannot be read. */
  log?: string | ContainerLog | undefined;
  /** Who vouches for what steps sign. */
  trustBundle?: TrustBundleAnswer | undefined;
  /** The TaskRun that a rerun may take over from. */
  earlier?: TaskRun | undefined;
}

/** Answers at hand for everything that planning a TaskRun may ask; `asked` gets the types of its needs. */
export function supplyOf(findings: Findings = {}, asked: string[] = []): (need: Need) => AnswerTo<Need> {
  const { images, limitRanges, logsDenied, nativeSidecarsMissing, groupNode, ...credentials } =
    findings.start ?? nothingFound;
  return (need) => {
    asked.push(need.type);
    switch (need.type) {
      case 'definition':
        if (need.reference.ofKind === 'StepAction') return actionOf(findings, need.reference);
        return findings.task ?? { kind: 'failed', reason: 'NotFound', message: 'tasks.tekton.dev "t" not found' };
      case 'credentials':
        return credentials;
      case 'image':
        return images.get(need.image) ?? { kind: 'pending' };
      case 'limitRanges':
        return limitRanges;
      case 'podWarning':
        return findings.podWarning;
      case 'containerLog':
        return typeof findings.log === 'object'
          ? findings.log
          : { kind: 'read', text: findings.log ?? '', isCut: false };
      case 'groupNode':
        return groupNode;
      case 'logAccess':
        return logsDenied !== true;
      case 'nativeSidecars':
        return nativeSidecarsMissing !== true;
      case 'trustBundle':
        return findings.trustBundle ?? { kind: 'unreadable', message: 'there is no SPIRE here' };
      case 'turn':
        throw new Error('a TaskRun waits in no queue');
      case 'earlierTaskRun':
        return findings.earlier;
      case 'earlierPipelineRun':
      case 'claim':
        throw new Error(`a TaskRun does not ask for ${need.type}`);
      default: {
        const never: never = need;
        return never;
      }
    }
  };
}

function actionOf({ actions = {} }: Findings, reference: Reference): Resolved {
  const name = reference.kind === 'inCluster' ? reference.name : reference.resolver;
  const message = `stepactions.tekton.dev "${name}" not found`;
  return actions[name] ?? { kind: 'failed', reason: 'NotFound', message };
}
