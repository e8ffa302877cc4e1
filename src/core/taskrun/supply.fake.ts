import type { AnswerTo, Need } from '../need.ts';
import type { Resolved } from '../reference/resolved.ts';
import type { StartFacts } from './lookups.ts';

export const nothingFound: StartFacts = { secrets: [], unreadableSecrets: [], limitRanges: [], images: new Map() };

export interface Findings {
  /** What became of spec.taskRef. */
  task?: Resolved<'Task'> | undefined;
  start?: StartFacts | undefined;
  podWarning?: string | undefined;
}

/** Answers at hand for everything that planning a TaskRun may ask; `asked` gets the types of its needs. */
export function supplyOf(findings: Findings = {}, asked: string[] = []): (need: Need) => AnswerTo<Need> {
  const { images, limitRanges, ...credentials } = findings.start ?? nothingFound;
  return (need) => {
    asked.push(need.type);
    switch (need.type) {
      case 'definition':
        return findings.task ?? { kind: 'failed', reason: 'NotFound', message: 'tasks.tekton.dev "t" not found' };
      case 'credentials':
        return credentials;
      case 'image':
        return images.get(need.image) ?? { kind: 'pending' };
      case 'limitRanges':
        return limitRanges;
      case 'podWarning':
        return findings.podWarning;
      case 'turn':
        throw new Error('a TaskRun waits in no queue');
      default: {
        const never: never = need;
        return never;
      }
    }
  };
}
