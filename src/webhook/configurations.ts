import type { Resource } from '../kube/object.ts';
import {
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  type MutatingWebhookConfiguration,
  type ValidatingWebhookConfiguration,
} from '../kube/resources.ts';

export type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

/** What tells the API server to call the webhook, and whom to trust for it. Not all are in every installation. */
export const configurations: readonly { resource: Resource<Configuration>; name: string }[] = [
  { resource: mutatingWebhookConfigurations, name: 'webhook.pipeline.tekton.dev' },
  { resource: validatingWebhookConfigurations, name: 'validation.webhook.pipeline.tekton.dev' },
  { resource: validatingWebhookConfigurations, name: 'config.webhook.pipeline.tekton.dev' },
  // With Triggers.
  { resource: mutatingWebhookConfigurations, name: 'webhook.triggers.tekton.dev' },
  { resource: validatingWebhookConfigurations, name: 'validation.webhook.triggers.tekton.dev' },
  // Only where the API server holds no ValidatingAdmissionPolicies.
  { resource: validatingWebhookConfigurations, name: 'gates.webhook.tektite.dev' },
];
