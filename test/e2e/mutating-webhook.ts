import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { statePath } from '../../hack/one-node/instance.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { bodyOf } from '../../src/request-body.fake.ts';
import { certificateFor } from './world.ts';

/** What the webhook is asked about, and the JSON patch that it answers with; undefined leaves the object alone. */
export type Mutate = (asked: { resource: string; object: KubeObject }) => object[] | undefined;

export interface MutatingWebhook {
  /** What makes the API server ask it. */
  configuration: object;
  close(): Promise<void>;
}

interface Review {
  request: { uid: string; resource: { resource: string }; subResource?: string; object: KubeObject };
}

/** A mutating admission webhook of somebody else's, beside the node, for one namespace's pods and runs. */
export async function startMutatingWebhook(
  { cluster, host, namespace }: { cluster: string; host: string; namespace: string },
  mutate: Mutate,
): Promise<MutatingWebhook> {
  const certificate = await certificateFor(`IP:${host}`, cluster);
  const server = createServer(certificate, (asked, answer) => {
    void bodyOf(asked).then((body) => {
      if (body === undefined) return;
      answer.setHeader('content-type', 'application/json').end(review(body.toString(), mutate));
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  const name = 'mutating.example.com';
  const rule = (apiGroups: string[], operations: string[], resources: string[]) => ({
    apiGroups,
    operations,
    resources,
    apiVersions: ['*'],
  });
  const webhook = {
    name,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    rules: [rule([''], ['CREATE'], ['pods']), rule(['tekton.dev'], ['UPDATE'], ['taskruns', 'taskruns/status'])],
    clientConfig: {
      url: `https://${host}:${(server.address() as AddressInfo).port}/`,
      caBundle: readFileSync(statePath(cluster, 'pki', 'ca.crt')).toString('base64'),
    },
  };
  return {
    configuration: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name },
      webhooks: [webhook],
    },
    close() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function review(body: string, mutate: Mutate): string {
  const { request } = JSON.parse(body) as Review;
  const resource = [request.resource.resource, request.subResource].filter(Boolean).join('/');
  const patch = mutate({ resource, object: request.object });
  const change = patch && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
  const response = { uid: request.uid, allowed: true, ...change };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
}
