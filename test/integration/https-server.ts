import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';

export type Json = Record<string, unknown>;

export interface Answer {
  status: number;
  body: { message?: string; [field: string]: unknown };
}

export interface Call {
  body?: unknown;
  /** Of the body; of a PATCH it says which kind. */
  contentType?: string;
  /** User to act as. */
  as?: string;
}

/** A path that is not served yet is answered in plain text. */
function parsedAnswer(answer: string): Answer['body'] {
  try {
    return JSON.parse(answer) as Answer['body'];
  } catch {
    return { message: answer };
  }
}

/** An API server by plain HTTPS: an independent witness beside our own client. Returns answers of any status. */
export class Server {
  readonly #config = new KubeConfig();

  constructor(kubeconfig: string) {
    this.#config.loadFromFile(kubeconfig);
  }

  async call(method: string, path: string, { body, contentType = 'application/json', as }: Call = {}): Promise<Answer> {
    const target = new URL(path, this.#config.getCurrentCluster()?.server);
    const impersonation = as === undefined ? {} : { 'impersonate-user': as };
    const options: Record<string, unknown> = {
      method,
      headers: { accept: 'application/json', 'content-type': contentType, ...impersonation },
    };
    await this.#config.applyToHTTPSOptions(options);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(target, options, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body: parsedAnswer(body) }), reject);
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Server-side apply. */
  apply(path: string, body: unknown, fieldManager: string): Promise<Answer> {
    const query = `?fieldManager=${fieldManager}&force=true&fieldValidation=Strict`;
    return this.call('PATCH', `${path}${query}`, { body, contentType: 'application/apply-patch+yaml' });
  }

  /** Waits until the CRD is established and its stored version is served. @throws naming what is wrong with it. */
  async established(name: string): Promise<void> {
    const [plural = '', ...group] = name.split('.');
    for (let attempt = 0; attempt < 300; attempt++) {
      const { body } = await this.call('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
      const conditions = (body['status'] as { conditions?: Condition[] } | undefined)?.conditions ?? [];
      const broken = conditions.find(({ type, status }) => type === 'NonStructuralSchema' && status === 'True');
      if (broken) throw new Error(`${name}: ${broken.message}`);
      // A group's paths are served a moment after its CRDs are established.
      const ready = conditions.some(({ type, status }) => type === 'Established' && status === 'True');
      const { versions = [], scope } = (body['spec'] ?? {}) as {
        versions?: { name: string; storage: boolean }[];
        scope?: string;
      };
      const version = versions.find(({ storage }) => storage)?.name;
      const within = scope === 'Cluster' ? '' : '/namespaces/default';
      const path = `/apis/${group.join('.')}/${version}${within}/${plural}`;
      if (ready && (await this.call('GET', path)).status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${name} is not served after 30 s`);
  }
}

interface Condition {
  type: string;
  status: string;
  message: string;
}
