import type { Clock } from '../../clock.ts';
import type { RegistryTransport } from '../transport.ts';
import { acrHelper } from './acr.ts';
import { ecrHelper } from './ecr.ts';
import { gcrHelper } from './gcr.ts';
import { remembering, type CloudHelper } from './helper.ts';

export type { CloudHelper } from './helper.ts';

/** Helpers for the registries of Amazon, Google and Azure. Their SDKs are loaded when a registry of theirs is met. */
export function cloudHelpers(clock: Clock, transport?: RegistryTransport): CloudHelper[] {
  return [ecrHelper(), gcrHelper(), acrHelper(transport ? { transport } : {})].map((helper) =>
    remembering(helper, clock),
  );
}
