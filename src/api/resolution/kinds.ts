import { kindVersion, type KindDefinition, type PrinterColumn } from '../kind.ts';
import { resolutionRequestConversion } from './convert.ts';
import {
  resolutionRequestSpec,
  resolutionRequestSpecV1alpha1,
  resolutionRequestStatus,
  type ResolutionRequest,
  type ResolutionRequestV1alpha1,
} from './resolution-request.ts';
import { validateResolutionRequest, validateVerificationPolicy } from './validate.ts';
import { verificationPolicySpec, type VerificationPolicy } from './verification-policy.ts';

const succeeded = '.status.conditions[?(@.type=="Succeeded")]';
const column = (name: string, jsonPath: string): PrinterColumn => ({ name, type: 'string', jsonPath });
const outcome = [column('Succeeded', `${succeeded}.status`), column('Reason', `${succeeded}.reason`)];

/** What runs ask resolvers for, and who may sign what they get. */
export const resolutionKinds: readonly KindDefinition[] = [
  {
    group: 'resolution.tekton.dev',
    kind: 'ResolutionRequest',
    plural: 'resolutionrequests',
    singular: 'resolutionrequest',
    namespaced: true,
    shortNames: [],
    categories: ['tekton', 'tekton-pipelines'],
    description: 'A definition that a run needs from elsewhere, and the answer of the resolver.',
    partOf: 'tekton-pipelines',
    statusSubresource: true,
    versions: [
      kindVersion<ResolutionRequestV1alpha1, ResolutionRequest>({
        name: 'v1alpha1',
        storage: false,
        spec: resolutionRequestSpecV1alpha1,
        status: resolutionRequestStatus,
        printerColumns: outcome,
        validate: validateResolutionRequest,
        convert: resolutionRequestConversion,
      }),
      kindVersion<ResolutionRequest>({
        name: 'v1beta1',
        storage: true,
        spec: resolutionRequestSpec,
        status: resolutionRequestStatus,
        printerColumns: [
          column('OwnerKind', '.metadata.ownerReferences[0].kind'),
          column('Owner', '.metadata.ownerReferences[0].name'),
          ...outcome,
          column('StartTime', '.metadata.creationTimestamp'),
          column('EndTime', `${succeeded}.lastTransitionTime`),
        ],
        validate: validateResolutionRequest,
      }),
    ],
  },
  {
    group: 'tekton.dev',
    kind: 'VerificationPolicy',
    plural: 'verificationpolicies',
    singular: 'verificationpolicy',
    namespaced: true,
    shortNames: [],
    categories: ['tekton', 'tekton-pipelines'],
    description: 'Keys that must have signed definitions from some places.',
    partOf: 'tekton-pipelines',
    statusSubresource: false,
    versions: [
      kindVersion<VerificationPolicy>({
        name: 'v1alpha1',
        storage: true,
        spec: verificationPolicySpec,
        printerColumns: [],
        validate: validateVerificationPolicy,
      }),
    ],
  },
];
