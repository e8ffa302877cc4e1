import type { Interceptor } from '../../api/triggers/objects.ts';
import { messageOf } from '../../errors.ts';
import type { Secret } from '../../kube/resources.ts';
import type { KubeObject } from '../../resource.ts';
import { coreInterceptors } from '../../triggers/interceptors/core.ts';
import { stop, type InterceptorRequest, type InterceptorResponse } from '../../triggers/interceptors/wire.ts';
import type { SecretAnswer, World } from '../../triggers/interceptors/world.ts';
import type { InterceptorClient } from '../../triggers/sink/chain.ts';

/** An object of a file. */
export type ManifestObject = KubeObject & { kind: string };

/** What an interceptor made of an event. */
export interface InterceptorStep {
  name: string;
  goesOn: boolean;
  /** Why it did not. */
  message?: string;
  /** What was not checked. */
  notes: string[];
  expressions: CelStep[];
  /** What it added. */
  extensions: Readonly<Record<string, unknown>>;
}

/** One expression of the cel interceptor. `value` is undefined where it was not evaluated to its end. */
export interface CelStep {
  key: string;
  expression: string;
  value?: unknown;
}

/** The interceptors that come along, in this process; Secrets are those of the files. */
export class LocalInterceptors implements InterceptorClient {
  readonly #secrets: Secret[];
  readonly #namespace: string;
  readonly #steps = new Map<string, InterceptorStep[]>();

  constructor(objects: readonly ManifestObject[], namespace: string) {
    this.#secrets = objects.filter(({ kind }) => kind === 'Secret');
    this.#namespace = namespace;
  }

  /** Those of a trigger, or of a group by the group's name. */
  stepsOf(namespace: string, name: string): InterceptorStep[] {
    return ['triggers', 'triggerGroups'].flatMap(
      (kind) => this.#steps.get(`namespaces/${namespace}/${kind}/${name}`) ?? [],
    );
  }

  find = (kind: string, _namespace: string, name: string): Interceptor | undefined => {
    if (kind === 'NamespacedInterceptor' || !coreInterceptors.has(name))
      throw new Error(`interceptor ${name} is a server of its own: it cannot be asked without a cluster`);
    return { metadata: { name }, spec: { clientConfig: { url: `http://local/${name}` } } };
  };

  post = async ({ url }: { url: URL }, body: string) => {
    const request = JSON.parse(body) as InterceptorRequest;
    const name = url.pathname.slice(1);
    const { asked, notes } = this.#askable(name, request);
    const interceptor = coreInterceptors.get(name);
    if (interceptor === undefined) throw new Error(`there is no interceptor ${name}`);
    const response = await interceptor(asked, this.#world).catch((error: unknown) =>
      stop('internal', messageOf(error)),
    );
    this.#remember(request, stepOf(name, request, response, notes));
    return { status: 200, body: Buffer.from(JSON.stringify(response)) };
  };

  postWebhook = (url: URL): Promise<never> =>
    Promise.reject(new Error(`the webhook at ${url.href} cannot be asked without a cluster`));

  #remember({ context }: InterceptorRequest, step: InterceptorStep): void {
    const id = context?.trigger_id ?? '';
    this.#steps.set(id, [...(this.#steps.get(id) ?? []), step]);
  }

  /** Without its Secret a signature is not checked, and that is said. */
  #askable(name: string, request: InterceptorRequest): { asked: InterceptorRequest; notes: string[] } {
    const { secretRef, ...others } = request.interceptor_params ?? {};
    const { secretName } = (secretRef ?? {}) as { secretName?: string };
    const namespace = /^namespaces\/([^/]+)\//.exec(request.context?.trigger_id ?? '')?.[1] ?? this.#namespace;
    if (!secretName || this.#secret(namespace, secretName)) return { asked: request, notes: [] };
    const note = `who sent it is not checked: Secret ${namespace}/${secretName} is not in the files given with -f`;
    const unverified = name === 'slack' ? { unverified: 'allow' } : {};
    return { asked: { ...request, interceptor_params: { ...others, ...unverified } }, notes: [note] };
  }

  #secret(namespace: string, name: string): Secret | undefined {
    return this.#secrets.find(
      ({ metadata }) => metadata.name === name && (metadata.namespace ?? this.#namespace) === namespace,
    );
  }

  get #world(): World {
    const unreachable = () => Promise.reject(new Error('GitHub is not asked without a cluster'));
    return {
      secret: (namespace, { secretName, secretKey }) =>
        Promise.resolve(secretValue(this.#secret(namespace, secretName), `${namespace}/${secretName}`, secretKey)),
      github: {
        changedFiles: unreachable,
        isPublicMember: unreachable,
        isCollaborator: unreachable,
        owners: unreachable,
      },
      now: () => Date.now(),
    };
  }
}

function secretValue(secret: Secret | undefined, name: string, key: string): SecretAnswer {
  if (secret === undefined) return { ok: false, problem: `Secret ${name} is not in the files given with -f` };
  const { data = {}, stringData = {} } = secret;
  const value = Object.hasOwn(stringData, key)
    ? Buffer.from(stringData[key] ?? '')
    : Buffer.from((Object.hasOwn(data, key) ? data[key] : '') ?? '', 'base64');
  return value.length > 0 ? { ok: true, value } : { ok: false, problem: `Secret ${name} has no key ${key}` };
}

function stepOf(
  name: string,
  request: InterceptorRequest,
  { continue: goesOn, status, extensions = {} }: InterceptorResponse,
  notes: string[],
): InterceptorStep {
  return {
    name,
    goesOn,
    ...(goesOn ? {} : { message: status?.message ?? '' }),
    notes,
    expressions: name === 'cel' ? celSteps(request, goesOn, extensions) : [],
    extensions,
  };
}

function celSteps(
  { interceptor_params: params = {} }: InterceptorRequest,
  goesOn: boolean,
  extensions: Readonly<Record<string, unknown>>,
): CelStep[] {
  const { filter, overlays } = params as { filter?: unknown; overlays?: unknown };
  const filters =
    typeof filter === 'string' ? [{ key: 'filter', expression: filter, ...(goesOn ? { value: true } : {}) }] : [];
  const others = (Array.isArray(overlays) ? overlays : []) as { key?: string; expression?: string }[];
  return [
    ...filters,
    ...others.map(({ key = '', expression = '' }) => ({
      key,
      expression,
      ...(goesOn ? { value: at(extensions, key) } : {}),
    })),
  ];
}

function at(value: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}
