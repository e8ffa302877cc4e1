import { install } from '../../hack/deploy/install.ts';
import { prepareImages, testCluster } from '../e2e/setup.ts';
import { examplesFolder } from './examples-folder.ts';

/** What upstream's own example tests switch on. */
const flags = { 'enable-api-fields': 'alpha', 'enable-param-enum': 'true', 'enable-artifacts': 'true' };

/** Once before the examples: their images, and the present sources with every field switched on. */
export default async function setup(): Promise<void> {
  if (examplesFolder() === undefined) return;
  const target = await testCluster();
  process.env['KUBECONFIG'] = target.kubeconfig;
  await prepareImages(target);
  await install(target, {
    ...Object.fromEntries(Object.entries(flags).map(([key, value]) => [`featureFlags.${key}`, value])),
    'rbac.podLogs': 'true',
  });
}
