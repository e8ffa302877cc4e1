import type { KubeClient } from '../../kube/client.ts';
import { localAccessReviews, secrets, serviceAccounts } from '../../kube/resources.ts';
import { isName } from './ports.ts';
import { sharedSinkName } from './names.ts';

/** A listener as its rights are looked at. */
export interface ServedAs {
  namespace: string;
  /** ServiceAccount of that namespace. */
  account: string;
  /** Secret with the listener's certificate, if it has one. */
  tlsSecret: string | undefined;
  systemNamespace: string;
}

interface Right {
  /** Namespace and name of the ServiceAccount that needs it. */
  who: readonly [string, string];
  verb: string;
  resource: string;
  name: string;
}

/**
 * What is missing for the shared sink to serve a listener as its ServiceAccount, with the commands that grant it;
 * undefined: nothing. Rights are given by the listener's namespace, for one account: nothing lets the shared sink act
 * as any other.
 */
export async function missingRights(
  client: Pick<KubeClient, 'create'>,
  { namespace, account, tlsSecret, systemNamespace }: ServedAs,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const [field, name] of Object.entries({ serviceAccountName: account, secretKeyRef: tlsSecret ?? 'none' }))
    if (!isName(name)) return `${field} ${shown(name)} is no name of an object`;
  const wanted: Right[] = [
    { who: [systemNamespace, sharedSinkName], verb: 'impersonate', resource: serviceAccounts.plural, name: account },
    ...(tlsSecret === undefined
      ? []
      : [{ who: [namespace, account] as const, verb: 'get', resource: secrets.plural, name: tlsSecret }]),
  ];
  const allowed = await Promise.all(wanted.map((right) => has(client, namespace, right, signal)));
  const missing = wanted.filter((_right, index) => allowed[index] !== true);
  if (missing.length === 0) return undefined;
  const what = missing.map(({ who, verb, resource, name }) => `${who.join('/')} may not ${verb} ${resource}/${name}`);
  const commands = missing.flatMap((right) => commandsFor(namespace, right));
  return `${what.join('; ')}; to allow it: ${commands.join(' && ')}`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

async function has(
  client: Pick<KubeClient, 'create'>,
  namespace: string,
  { who: [home, account], verb, resource, name }: Right,
  signal: AbortSignal,
): Promise<boolean> {
  const spec = {
    user: `system:serviceaccount:${home}:${account}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${home}`, 'system:authenticated'],
    resourceAttributes: { namespace, verb, group: '', version: 'v1', resource, name },
  };
  const { status } = await client.create(localAccessReviews, { metadata: { namespace }, spec }, { signal });
  return status?.allowed === true;
}

function commandsFor(namespace: string, { who, verb, resource, name }: Right): string[] {
  const role = `${verb === 'impersonate' ? 'shared-sink' : 'listener-certificate'}-${name}`;
  return [
    `kubectl create role ${role} -n ${namespace} --verb=${verb} --resource=${resource} --resource-name=${name}`,
    `kubectl create rolebinding ${role} -n ${namespace} --role=${role} --serviceaccount=${who.join(':')}`,
  ];
}
