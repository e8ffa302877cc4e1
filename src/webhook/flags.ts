import type { Environment } from '../role/flags.ts';
import { numberFlag, parseRoleFlags, type RoleFlags } from '../role/flags.ts';
import type { GateRules } from './admission/gates.ts';

/** What the webhook is started with; everything that may change while it runs is in ConfigMaps. */
export interface WebhookFlags extends RoleFlags {
  port: number;
  /** Service that the API server calls: the certificate is for its names. */
  serviceName: string;
  /** Secret with the certificate. */
  secretName: string;
  /** Whether the webhook makes its certificates itself; else another does (cert-manager) and tells the API server. */
  ownCertificates: boolean;
  gates: GateRules;
  /** DNS names beside the Service's that the certificate is for. */
  certificateNames: readonly string[];
  /** How long requests are still taken after the end was asked for, ms. */
  drainMs: number;
}

const flagsOfRole = {
  role: 'webhook',
  options: {
    'external-certificates': { type: 'boolean', default: false },
    'run-controller': { type: 'string', multiple: true },
    signer: { type: 'string', multiple: true },
    resolver: { type: 'string', multiple: true },
    'forbid-unsigned': { type: 'boolean', default: false },
    'certificate-name': { type: 'string', multiple: true },
    'drain-seconds': { type: 'string', default: '8' },
  },
  defaults: { concurrency: 1, qps: 50, burst: 100, systemNamespace: 'tekton-pipelines' },
} as const;

/** @throws FlagError naming the flag, its value and what it takes. */
export function parseWebhookFlags(args: readonly string[], env: Environment): WebhookFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  const controller = `system:serviceaccount:${flags.systemNamespace}:tekton-pipelines-controller`;
  return {
    ...flags,
    port: numberFlag('WEBHOOK_PORT', env['WEBHOOK_PORT'] ?? '8443', 0),
    serviceName: env['WEBHOOK_SERVICE_NAME'] || 'tekton-pipelines-webhook',
    secretName: env['WEBHOOK_SECRET_NAME'] || 'webhook-certs',
    ownCertificates: !values['external-certificates'],
    certificateNames: values['certificate-name'] ?? [],
    drainMs: numberFlag('--drain-seconds', values['drain-seconds'], 0) * 1000,
    gates: {
      runControllers: [controller, ...(values['run-controller'] ?? [])],
      signers: ['system:serviceaccount:tekton-chains:tekton-chains-controller', ...(values.signer ?? [])],
      resolvers: [
        'system:serviceaccount:tekton-pipelines-resolvers:tekton-pipelines-resolvers',
        ...(values.resolver ?? []),
      ],
      allowUnsigned: !values['forbid-unsigned'],
    },
  };
}
