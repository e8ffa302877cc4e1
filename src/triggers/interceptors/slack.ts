import { createHmac } from 'node:crypto';
import { readParams, slackParams, type SecretRef } from './params.ts';
import { equalBytes } from './signature.ts';
import {
  exactBody,
  goOn,
  header,
  namespaceOf,
  stop,
  type InterceptorRequest,
  type InterceptorResponse,
} from './wire.ts';
import type { World } from './world.ts';

/** Slack's own advice: older requests are replays. */
const oldestMs = 5 * 60_000;

/**
 * Takes form fields of a Slack command into extensions. Upstream asks only for a signature to be there; here it is
 * checked with the signing secret in `secretRef`, unless the trigger says `unverified: allow`.
 */
export async function slack(request: InterceptorRequest, world: World): Promise<InterceptorResponse> {
  const params = readParams(slackParams, request);
  if (!params.ok) return stop('invalidArgument', params.problem);
  if (!/^application\/x-www-form-urlencoded(?:$|;)/.test(header(request, 'Content-Type')))
    return stop('invalidArgument', 'missing header in payload: ContentType application/x-www-form-urlencoded');
  const { secretRef, unverified, requestedFields } = params.value;
  if (secretRef !== undefined) {
    const refusal = await checkSignature(request, secretRef, world);
    if (refusal) return refusal;
  } else if (unverified === 'refuse')
    return stop(
      'failedPrecondition',
      'slack interceptor has no secretRef, so nobody knows who sent the event; name the Secret with Slack\'s signing secret, or set the param unverified to "allow"',
    );
  if (requestedFields === undefined) return stop('notFound', 'missing requested field definition');
  return fieldsOf(exactBody(request), requestedFields);
}

async function checkSignature(
  request: InterceptorRequest,
  secretRef: SecretRef,
  world: World,
): Promise<InterceptorResponse | undefined> {
  const signature = header(request, 'X-Slack-Signature');
  if (signature === '') return stop('invalidArgument', 'missing header in payload: X-Slack-Signature');
  const timestamp = header(request, 'X-Slack-Request-Timestamp');
  const ageMs = Math.abs(world.now() - Number(timestamp) * 1000);
  if (!/^\d{1,12}$/.test(timestamp) || ageMs > oldestMs)
    return stop('failedPrecondition', 'X-Slack-Request-Timestamp is missing or more than 5 minutes off');
  const namespace = namespaceOf(request);
  if (namespace === undefined) return stop('invalidArgument', 'no request context passed');
  const secret = await world.secret(namespace, secretRef);
  if (!secret.ok) return stop('failedPrecondition', `error getting secret: ${secret.problem}`);
  const wanted = createHmac('sha256', secret.value).update(`v0:${timestamp}:`).update(exactBody(request)).digest('hex');
  return equalBytes(Buffer.from(signature), Buffer.from(`v0=${wanted}`))
    ? undefined
    : stop('failedPrecondition', 'payload signature check failed');
}

function fieldsOf(body: Buffer, wanted: readonly string[]): InterceptorResponse {
  const form = new URLSearchParams(body.toString());
  const missing = wanted.find((field) => !form.has(field));
  if (missing !== undefined) return stop('notFound', `requested field ${missing} does not exist in the payload`);
  return goOn(Object.fromEntries(wanted.map((field) => [field, form.getAll(field)])));
}
