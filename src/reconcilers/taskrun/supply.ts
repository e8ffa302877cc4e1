import { taskRuns } from '../../api/resources.ts';
import type { SpireConfig } from '../../api/config/config-spire.ts';
import type { AnswerTo, Need, TrustBundleAnswer } from '../../core/need.ts';
import type { TaskRunFacts } from '../../core/taskrun/facts.ts';
import type { ImageLookup } from '../../core/pod/image.ts';
import { messageOf } from '../../errors.ts';
import { found, type KubeClient } from '../../kube/client.ts';
import { joinKey } from '../../kube/object.ts';
import type { LimitRange } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import { supplyContainerLog, supplyLogAccess } from '../supply/container-log.ts';
import { supplyCredentials } from '../supply/credentials.ts';
import { supplyDefinition, type DefinitionSources } from '../supply/definitions.ts';
import { supplyGroupNode } from '../supply/group-node.ts';
import type { Identities } from './identities.ts';
import { supplyPodWarning } from '../supply/pod-warning.ts';
import { stepActionGate } from '../supply/step-actions.ts';

export interface Supplying extends DefinitionSources {
  client: Pick<KubeClient, 'get' | 'list' | 'create' | 'podLogs'>;
  stores: DefinitionSources['stores'] & { limitRanges: Pick<Store<LimitRange>, 'list'> };
  imageLookup: ImageLookup;
  identities: Pick<Identities, 'trustBundle'>;
  nativeSidecars: (signal: AbortSignal) => Promise<boolean>;
}

async function supplyTrustBundle(
  spire: SpireConfig,
  identities: Supplying['identities'],
  signal: AbortSignal,
): Promise<TrustBundleAnswer> {
  try {
    return { kind: 'read', bundle: await identities.trustBundle(spire, signal) };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'unreadable', message: messageOf(error) };
  }
}

/** Finds out what planning a TaskRun asks for; StepActions no more at once than default-step-ref-concurrency-limit. */
export function supplierFor(
  { taskRun, settings }: Pick<TaskRunFacts, 'taskRun' | 'settings'>,
  supplying: Supplying,
  signal: AbortSignal,
): (need: Need) => Promise<AnswerTo<Need>> {
  const { client, stores, imageLookup } = supplying;
  const { namespace = '', name = '', uid = '' } = taskRun.metadata;
  const run = { key: joinKey(namespace, name), uid };
  const requester = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', namespace, name, uid };
  const stepActions = stepActionGate(settings.defaults.stepRefConcurrencyLimit);
  return async (need) => {
    switch (need.type) {
      case 'definition':
        return need.reference.ofKind === 'StepAction'
          ? stepActions(() => supplyDefinition(need, requester, supplying, signal))
          : supplyDefinition(need, requester, supplying, signal);
      case 'image':
        return imageLookup({ image: need.image, credentials: need.credentials, run }, signal);
      case 'limitRanges':
        return stores.limitRanges.list().filter((range) => range.metadata.namespace === need.namespace);
      case 'nativeSidecars':
        return supplying.nativeSidecars(signal);
      case 'trustBundle':
        return supplyTrustBundle(settings.spire, supplying.identities, signal);
      case 'turn':
        throw new Error('a TaskRun waits in no queue');
      case 'earlierPipelineRun':
      case 'claim':
        throw new Error(`a TaskRun does not ask for ${need.type}`);
      default:
        return supplyFromApiServer(need, client, signal);
    }
  };
}

type ApiServerNeed = Extract<
  Need,
  { type: 'credentials' | 'podWarning' | 'containerLog' | 'logAccess' | 'groupNode' | 'earlierTaskRun' }
>;

/** What the API server alone can tell, each time anew. */
async function supplyFromApiServer(
  need: ApiServerNeed,
  client: Supplying['client'],
  signal: AbortSignal,
): Promise<AnswerTo<ApiServerNeed>> {
  switch (need.type) {
    case 'credentials':
      return supplyCredentials(need, client, signal);
    case 'podWarning':
      return supplyPodWarning(need, client, signal);
    case 'containerLog':
      return supplyContainerLog(need, client, signal);
    case 'logAccess':
      return supplyLogAccess(need, client, signal);
    case 'groupNode':
      return supplyGroupNode(need, client, signal);
    case 'earlierTaskRun':
      return found(client.get(taskRuns, need.namespace, need.name, { signal }));
    default: {
      const never: never = need;
      return never;
    }
  }
}
