import { isDone } from '../../api/pipeline/v1/taskrun.validate.ts';
import type { KubeObject, OwnerReference } from '../../resource.ts';
import { isEqual, specOf } from './object.ts';
import type { AdmissionRequest } from './review.ts';

/**
 * Who may write what Chains believes, what a run says of itself and what it owns: the policies of the chart
 * (config/chart/templates/admission.yaml) once more, for API servers that have none.
 */
export interface GateRules {
  /** User names that write statuses and owners of runs. */
  runControllers: readonly string[];
  /** User names that write Chains' annotations. */
  signers: readonly string[];
  /** User names that answer ResolutionRequests, beside the run controllers. */
  resolvers: readonly string[];
  /** Whether users may keep a run from being signed. */
  allowUnsigned: boolean;
}

const PREFIX = 'chains.tekton.dev/';
/** What users may say to Chains. */
const FREE = new Set([`${PREFIX}sign`, `${PREFIX}transparency-upload`]);
const RUNS = new Set(['taskruns', 'pipelineruns', 'customruns']);

/** Messages of the gates that are closed to this request; empty when all are open. */
export function gate(request: AdmissionRequest, rules: GateRules): string[] {
  if (request.operation === 'DELETE') return [];
  const { group, resource } = request.resource;
  if (group === 'resolution.tekton.dev') return request.subResource === 'status' ? answerGate(request, rules) : [];
  if (group === 'tekton.dev' && RUNS.has(resource)) return runGates(request, rules);
  if (group === '' && resource === 'pods' && !request.subResource)
    return [...ownerGate(request, rules), ...imageGate(request, rules)];
  return [];
}

function runGates(request: AdmissionRequest, rules: GateRules): string[] {
  if (request.subResource === 'status') return statusGate(request, rules);
  if (request.subResource) return [];
  return [...annotationGate(request, rules), ...ownerGate(request, rules), ...specGate(request)];
}

export function isSigner({ userInfo }: AdmissionRequest, { signers }: GateRules): boolean {
  return signers.includes(userInfo.username ?? '');
}

function isController({ userInfo }: AdmissionRequest, { runControllers }: GateRules): boolean {
  return runControllers.includes(userInfo.username ?? '');
}

/** Names of the annotations that Chains believes. */
export function chainsAnnotationsOf(annotations: Annotations): string[] {
  return Object.keys(annotations).filter((name) => name.startsWith(PREFIX) && !FREE.has(name));
}

type Annotations = Readonly<Record<string, string>>;

function annotationGate(request: AdmissionRequest, rules: GateRules): string[] {
  if (isSigner(request, rules)) return [];
  const before = request.oldObject?.metadata.annotations ?? {};
  const after = request.object?.metadata.annotations ?? {};
  return [
    ...writtenAnnotations(before, after),
    ...removedAnnotations(before, after),
    ...(rules.allowUnsigned ? [] : signingTurnedOff(before, after)),
  ];
}

function writtenAnnotations(before: Annotations, after: Annotations): string[] {
  const written = chainsAnnotationsOf(after).filter(
    (name) => !Object.hasOwn(before, name) || before[name] !== after[name],
  );
  if (written.length === 0) return [];
  return [
    `only Chains writes the annotation ${written.join(', ')}; others may set chains.tekton.dev/sign and chains.tekton.dev/transparency-upload`,
  ];
}

function removedAnnotations(before: Annotations, after: Annotations): string[] {
  const removed = chainsAnnotationsOf(before).filter(
    (name) => !Object.hasOwn(after, name) && name !== `${PREFIX}signed`,
  );
  if (removed.length === 0) return [];
  return [
    `only Chains removes the annotation ${removed.join(', ')}; take chains.tekton.dev/signed away to have the run signed again`,
  ];
}

function signingTurnedOff(before: Annotations, after: Annotations): string[] {
  const sign = `${PREFIX}sign`;
  if (after[sign] !== 'false' || before[sign] === 'false') return [];
  return ['annotation chains.tekton.dev/sign: "false" is not allowed on this cluster: every run is signed'];
}

function managedByUs(object: KubeObject | null | undefined): boolean {
  const { managedBy } = (object ? specOf(object) : undefined) as { managedBy?: string };
  return !managedBy || managedBy === 'tekton.dev/pipeline';
}

/** A status is what an attestation is made of. A run that names another controller is that one's. */
function statusGate(request: AdmissionRequest, rules: GateRules): string[] {
  if (request.resource.resource === 'customruns' || isController(request, rules)) return [];
  if (!request.oldObject || !managedByUs(request.oldObject)) return [];
  return [`only the controller writes the status of a ${request.kind.kind}, not ${request.userInfo.username}`];
}

/** What a resolver answers is what a run does, and where it came from is what an attestation says. */
function answerGate(request: AdmissionRequest, rules: GateRules): string[] {
  if (isController(request, rules) || rules.resolvers.includes(request.userInfo.username ?? '')) return [];
  return [
    `only resolvers answer ResolutionRequests, not ${request.userInfo.username}; an operator adds another resolver to admission.resolvers`,
  ];
}

function runsAbove(object: KubeObject | null | undefined): OwnerReference[] {
  return (object?.metadata.ownerReferences ?? []).filter(
    ({ controller, kind, apiVersion }) =>
      controller === true && (kind === 'TaskRun' || kind === 'PipelineRun') && apiVersion.startsWith('tekton.dev/'),
  );
}

/** What a run owns is what it did: a pod or child with a borrowed owner would be taken for the run's own. */
function ownerGate(request: AdmissionRequest, rules: GateRules): string[] {
  if (isController(request, rules)) return [];
  const before = request.oldObject?.metadata.ownerReferences ?? [];
  const [borrowed] = runsAbove(request.object).filter(
    ({ uid, kind }) => !before.some((owner) => owner.uid === uid && owner.kind === kind && owner.controller === true),
  );
  if (!borrowed) return [];
  return [
    `only the controller makes ${borrowed.kind} ${borrowed.name} the controlling owner of a ${request.kind.kind}, not ${request.userInfo.username}`,
  ];
}

interface PodImages {
  spec?: { containers?: { image?: string }[]; initContainers?: { image?: string }[] };
}

function imagesOf(object: KubeObject): (string | undefined)[] {
  const { containers = [], initContainers = [] } = (object as PodImages).spec ?? {};
  return [...containers, ...initContainers].map(({ image }) => image);
}

/** The one field of a pod's containers that Kubernetes lets anybody with a right to patch pods change. */
function imageGate(request: AdmissionRequest, rules: GateRules): string[] {
  const { object, oldObject } = request;
  if (!object || !oldObject || isController(request, rules) || runsAbove(oldObject).length === 0) return [];
  return isEqual(imagesOf(object), imagesOf(oldObject)) ? [] : ["the images of a run's pod cannot be changed"];
}

/** Fields of a spec that are the user's to change while the run goes on. */
const OPEN: Readonly<Record<string, readonly string[]>> = {
  TaskRun: ['managedBy', 'status', 'statusMessage'],
  PipelineRun: ['managedBy', 'status'],
};

/** To the letter, where validation takes absent and empty for the same. */
function specGate({ operation, kind, object, oldObject }: AdmissionRequest): string[] {
  const open = OPEN[kind.kind];
  if (operation !== 'UPDATE' || !open || !object || !oldObject) return [];
  const after = fieldsOf(object);
  const before = fieldsOf(oldObject);
  if (isEqual(before, after)) return [];
  const fixed = (spec: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(spec).filter(([field]) => !open.includes(field)));
  const done = isDone((oldObject as { status?: Parameters<typeof isDone>[0] }).status);
  const only = open.filter((field) => field !== 'managedBy').join(' and ');
  return [
    ...(before['managedBy'] === after['managedBy'] ? [] : ['spec.managedBy: managedBy is immutable']),
    ...(done ? [`spec: Once the ${kind.kind} is complete, no updates are allowed`] : []),
    ...(isEqual(fixed(before), fixed(after))
      ? []
      : [`spec: Once the ${kind.kind} has started, only ${only} updates are allowed`]),
  ];
}

function fieldsOf(object: KubeObject): Record<string, unknown> {
  return (specOf(object) ?? {}) as Record<string, unknown>;
}
