import { Registry } from 'prom-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { servedCertificate } from '../role/served-certificate.ts';
import { issueAuthority, issueServer } from '../webhook/certificates/issue.ts';
import { now } from './installation.fake.ts';
import { servedFindings, servedOf } from './served.ts';

const DAY_MS = 24 * 60 * 60_000;
const pod = { namespace: 'tekton-pipelines', pod: 'webhook-1' };
let pem = '';

beforeAll(async () => {
  const authority = await issueAuthority('a', now, 1_000 * DAY_MS);
  pem = (await issueServer(authority, ['webhook'], now, 90 * DAY_MS)).cert;
});

/** What a role says that was told of these certificates. */
async function metricsOf(...pems: string[]): Promise<string> {
  const registry = new Registry();
  const tell = servedCertificate(registry);
  for (const each of pems) tell(each);
  return registry.metrics();
}

describe('the certificate that a pod serves with', () => {
  it('is told by its metrics', async () => {
    const found = servedOf({ ...pod, text: await metricsOf(pem) });
    const days = (time: string | undefined) => Math.round((Date.parse(time ?? '') - now.getTime()) / DAY_MS) + 0;
    expect([found?.pod, days(found?.notBefore), days(found?.notAfter)]).toEqual(['webhook-1', 0, 90]);
  });

  it('stays told of when the next one cannot be read', async () => {
    expect(await metricsOf(pem, 'no certificate')).toBe(await metricsOf(pem));
  });

  const sample = (which: string, value: string) => `tektite_served_certificate_${which}_timestamp_seconds ${value}`;
  it.each<[string, string]>([
    ['before it serves', `${sample('not_before', '0')}\n${sample('not_after', '0')}`],
    ['where it serves with none', 'kn_workqueue_depth{name="TaskRun"} 3'],
    ['where it says only when it ends', sample('not_after', '1.8e9')],
    ['where its times are none', `${sample('not_before', '1e30')}\n${sample('not_after', '1e30')}`],
    ['where they are no numbers', `${sample('not_before', '1.2.3')}\n${sample('not_after', 'e')}`],
  ])('is not told of %s', (_name, text) => expect(servedOf({ ...pod, text })).toBeUndefined());
});

describe('what is wrong about it', () => {
  it.each<[string, number, number, string[]]>([
    ['nothing: it is new', -1, 89, []],
    ['nothing: it will be renewed in time', -60, 30, []],
    ['it should have been renewed', -80, 10, ['warning: the certificate that it serves with ends at']],
    ['it has ended', -91, -1, ['problem: the certificate that it serves with ended at']],
  ])('%s', (_name, from, to, expected) => {
    const time = (days: number) => new Date(now.getTime() + days * DAY_MS).toISOString();
    const found = servedFindings([{ ...pod, notBefore: time(from), notAfter: time(to) }], now);
    expect(found.map(({ severity, text }) => `${severity}: ${text}`)).toEqual(
      expected.map((text) => expect.stringContaining(text) as string),
    );
  });
});
