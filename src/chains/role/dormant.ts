import { messageOf } from '../../errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Logger } from '../../log.ts';
import { untilAborted } from '../../role/until-aborted.ts';
import { hasSigner } from '../signing/ability.ts';
import { announceSigning, type Announcing } from './announce.ts';
import { signingSecretName } from '../signing/file-key.ts';
import type { OwnNamespace } from './settings.ts';

interface Waiting extends Announcing {
  own: Pick<OwnNamespace, 'settings' | 'secret' | 'onChange' | 'running'>;
  events: Pick<EventRecorder, 'event'>;
  log: Logger;
  /** The role serves as well as it can. */
  ready: () => void;
}

/**
 * Waits until there is something to sign with. Until then no run is looked at, marked or held by a finalizer: who
 * installs Chains with everything else and wants no signatures notices nothing but one event. Runs that end meanwhile
 * are signed afterwards.
 */
export async function untilSignerIsThere(waiting: Waiting, signal: AbortSignal): Promise<void> {
  const { own, namespace, events, log, ready } = waiting;
  const isThere = () => hasSigner(own.settings.current(), own.secret());
  if (isThere()) return;
  const message = `nothing is signed yet: Secret ${signingSecretName} has no key and chains-config names none; make one with "cosign generate-key-pair k8s://${namespace}/${signingSecretName}", or set artifacts.*.signer or signers.x509.fulcio.enabled`;
  log.warn(message);
  const metadata = { name: signingSecretName, namespace };
  events.event({ apiVersion: 'v1', kind: 'Secret', metadata }, 'Normal', 'NothingIsSigned', message);
  const changed = new Promise<void>((resolve) => own.onChange(() => isThere() && resolve()));
  ready();
  await announceSigning(waiting, 'waiting', signal).catch((error: unknown) => {
    if (!signal.aborted) log.warn(`${messageOf(error)}; until then pruning waits for signatures`);
  });
  await Promise.race([changed, own.running, untilAborted(signal)]);
  if (!signal.aborted) log.info('there is a signer now: runs are signed');
}
