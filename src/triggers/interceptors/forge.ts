import type { SecretRef } from './params.ts';
import { equalBytes, signatureProblem } from './signature.ts';
import { exactBody, header, namespaceOf, stop, type InterceptorRequest, type InterceptorResponse } from './wire.ts';
import type { World } from './world.ts';

/** How a forge names its events and proves that it sent them. */
interface Forge {
  name: string;
  eventHeader: string;
  proof: { kind: 'signature' | 'token'; header: string };
}

const forges = {
  github: {
    name: 'github',
    eventHeader: 'X-GitHub-Event',
    proof: { kind: 'signature', header: 'X-Hub-Signature-256' },
  },
  gitlab: { name: 'gitlab', eventHeader: 'X-GitLab-Event', proof: { kind: 'token', header: 'X-GitLab-Token' } },
  bitbucket: {
    name: 'bitbucket',
    eventHeader: 'X-Event-Key',
    proof: { kind: 'signature', header: 'X-Hub-Signature' },
  },
} as const satisfies Record<string, Forge>;
export type ForgeName = keyof typeof forges;

/** Stops events of other types, and events that the forge did not send. undefined: it may go on. */
export async function checkForge(
  name: ForgeName,
  request: InterceptorRequest,
  { eventTypes, secretRef }: { eventTypes?: string[] | undefined; secretRef?: SecretRef | undefined },
  world: Pick<World, 'secret'>,
): Promise<InterceptorResponse | undefined> {
  const forge: Forge = forges[name];
  const event = header(request, forge.eventHeader);
  if (eventTypes !== undefined && !eventTypes.includes(event))
    return stop('failedPrecondition', `event type ${event} is not allowed`);
  if (secretRef === undefined) return undefined;
  if (secretRef.secretKey === '')
    return stop('failedPrecondition', `${forge.name} interceptor secretRef.secretKey is empty`);
  const given = header(request, forge.proof.header);
  if (given === '') return missingProof(forge);
  const namespace = namespaceOf(request);
  if (namespace === undefined) return stop('invalidArgument', 'no request context passed');
  const secret = await world.secret(namespace, secretRef);
  if (!secret.ok) return stop('failedPrecondition', `error getting secret: ${secret.problem}`);
  return checkProof(forge, { given, secret: secret.value, body: exactBody(request) });
}

function missingProof({ name, proof }: Forge): InterceptorResponse {
  const message = name === 'github' ? `Must set ${proof.header} header` : `no ${proof.header} header set`;
  return stop(name === 'github' ? 'failedPrecondition' : 'invalidArgument', message);
}

function checkProof(
  { proof }: Forge,
  { given, secret, body }: { given: string; secret: Uint8Array; body: Uint8Array },
): InterceptorResponse | undefined {
  if (proof.kind === 'token')
    return equalBytes(Buffer.from(given), secret) ? undefined : stop('invalidArgument', `Invalid ${proof.header}`);
  const problem = signatureProblem(given, body, secret);
  return problem === undefined ? undefined : stop('failedPrecondition', problem);
}
