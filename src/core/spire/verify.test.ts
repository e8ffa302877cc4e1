import { describe, expect, it } from 'vitest';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import {
  dayAfter,
  runOf,
  signature,
  signedEntries,
  spireServer,
  terminationMessage,
  type Entries,
  type Issued,
} from './spire.fake.ts';
import type { TrustBundle } from './svid.ts';
import { verifyRunSignatures } from './verify.ts';

const own = 'URI:spiffe://example.org/ns/default/taskrun/build';
const server = spireServer();
const nameless = spireServer('');
const other = spireServer('URI:spiffe://other.example');
const svid = server.issue(own);
const controller = server.issue('URI:spiffe://example.org/tekton/controller');
const bundle: TrustBundle = { authorities: [server.authority.certificate] };
const later = dayAfter(svid, 20);
const results = { commit: 'aa79de59', url: 'https://github.com/a/b' };
const status = [
  { name: 'commit', value: 'aa79de59' },
  { name: 'url', value: 'https://github.com/a/b' },
];
const entries = signedEntries(svid, results);

const verdict = (run: TaskRun, trust: TrustBundle | undefined = bundle, now = later) =>
  verifyRunSignatures(run, trust, now);
const run = (found: Entries | Entries[] = entries, values: Parameters<typeof runOf>[1] = status, by = svid) =>
  runOf(Array.isArray(found) ? found : [found], values, by);
const without = (key: string): Entries => Object.fromEntries(Object.entries(entries).filter(([name]) => name !== key));
const changed = (more: Partial<NonNullable<TaskRun['status']>>, base = run()): TaskRun => ({
  ...base,
  status: { ...base.status, ...more },
});
const finishedAt = (date: Date, base = run()): TaskRun =>
  changed(
    {
      completionTime: date.toISOString(),
      steps: base.status?.steps?.map((step) => ({
        ...step,
        terminated: { exitCode: 0, ...step.terminated, finishedAt: undefined },
      })),
    },
    base,
  );
const hash = 'c0ffee'.repeat(10);
const signedStatus = (by: Issued, more: Record<string, string | undefined> = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries({
      'tekton.dev/status-hash': hash,
      'tekton.dev/status-hash-sig': signature(by, hash),
      'tekton.dev/controller-svid': by.pem,
      ...more,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
const rsa = server.issue(own, { key: ['genrsa', '2048'] });
const p384 = server.issue(own, { key: ['ecparam', '-name', 'secp384r1', '-genkey', '-noout'] });

describe('a run without anything of SPIRE', () => {
  const rows: [string, TaskRun][] = [
    ['no status', { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata: { name: 'a' }, spec: {} }],
    ['plain results', run(results)],
    [
      'results named as proof',
      run({ SVID: 'mine', 'foo.sig': 'mine' }, [
        { name: 'SVID', value: 'mine' },
        { name: 'foo.sig', value: 'mine' },
      ]),
    ],
    [
      'a message of the runtime',
      changed({ steps: [{ name: 'a', terminated: { exitCode: 1, message: 'RESULT_MANIFEST: not found' } }] }),
    ],
    [
      'an unfinished verification',
      changed({ conditions: [{ type: 'SignedResultsVerified', status: 'Unknown' }] }, run(results)),
    ],
  ];
  it.each(rows)('%s', (_name, taskRun) => expect(verdict(taskRun)).toEqual({ state: 'absent', details: [] }));
});

describe('a sound run', () => {
  const list = '["a","b"]';
  const map = '{"url":"u","digest":"sha256:1","Z":"z"}';
  const typed = signedEntries(
    svid,
    { list, map, text: '"quoted"', number: '[1]', empty: '' },
    { list: 'a,b', map: 'Z,z,digest,sha256:1,url,u', text: 'quoted' },
  );
  const typedStatus = [
    { name: 'list', value: ['a', 'b'] },
    { name: 'map', value: { Z: 'z', url: 'u', digest: 'sha256:1' } },
    { name: 'text', value: '"quoted"' },
    { name: 'number', value: '[1]' },
    { name: 'empty', value: '' },
  ];
  const second = signedEntries(svid, { ...results, commit: 'changed by the second step' });
  const proof = ['SVID', 'RESULT_MANIFEST', 'RESULT_MANIFEST.sig', 'commit.sig', 'url.sig'].map((name) => ({
    name,
    value: entries[name] ?? '',
  }));
  const old = {
    ...entries,
    RESULT_MANIFEST: 'commit,url,SVID,commit.sig,url.sig',
    'RESULT_MANIFEST.sig': signature(svid, 'commit,url,SVID,commit.sig,url.sig'),
  };
  const rows: [string, TaskRun, TrustBundle?][] = [
    ['one step', run()],
    ['a step without results, which is signed all the same', run([entries, signedEntries(svid, {})])],
    ['a step that signs nothing', run([{}, entries])],
    [
      'two steps: the last counts',
      run([entries, second], [{ name: 'commit', value: 'changed by the second step' }, ...status.slice(1)]),
    ],
    [
      'a certificate for each step',
      run([signedEntries(svid, { commit: 'aa79de59' }), signedEntries(server.issue(own), { url: results.url })]),
    ],
    ['lists, maps and other JSON', run(typed, typedStatus)],
    ['a manifest that lists the proof as well', run(old)],
    ['the proof among the results of the run', run(entries, [...status, ...proof])],
    ['the proof only among the results of the run', changed({ steps: [] }, run(entries, [...status, ...proof]))],
    [
      'the proof among the results of the step',
      changed({
        steps: [
          {
            name: 'a',
            terminated: { exitCode: 0, finishedAt: run().status?.completionTime },
            results: [...status, ...proof],
          },
        ],
      }),
    ],
    [
      'a result whose name ends in .sig',
      run({ ...entries, 'a.sig': 'v', 'a.sig.sig': signature(svid, 'v') }, [...status, { name: 'a.sig', value: 'v' }]),
    ],
    [
      'a result that the controller left out for its type',
      changed({ taskSpec: { results: [{ name: 'url', type: 'array' }] }, results: status.slice(0, 1) }),
    ],
    ['an RSA key', run(signedEntries(rsa, results), status, rsa)],
    ['a P-384 key', run(signedEntries(p384, results), status, p384)],
    ['the trust domain by setting', run(), { ...bundle, trustDomain: 'example.org' }],
    [
      'other authorities in the bundle',
      run(),
      { authorities: [other.authority.certificate, server.authority.certificate] },
    ],
    ['DNS names beside the SPIFFE ID', run(signedEntries(server.issue(`DNS:build,${own}`), results))],
    ['the word of the controller', changed({ conditions: [{ type: 'SignedResultsVerified', status: 'True' }] })],
  ];
  it.each(rows)('%s', (_name, taskRun, trust = bundle) =>
    expect(verdict(taskRun, trust)).toEqual({ state: 'verified', details: [] }),
  );

  it('an old certificate: it is judged as of the end of its step, not of the run', () => {
    expect(verdict(changed({ completionTime: dayAfter(svid, 2).toISOString() })).state).toBe('verified');
  });
});

describe('what cannot be checked is said', () => {
  const passedOn = changed({
    taskSpec: { results: [{ name: 'image', value: '$(steps.s0.results.image)' }] },
    results: [...status, { name: 'image', value: 'i' }],
  });
  const foreign = nameless.issue(own);
  const rows: [string, TaskRun, TrustBundle | undefined, string][] = [
    ['no trust bundle', run(), undefined, 'artifacts.taskrun.spire.trust-bundle-path'],
    ['a result of a step, passed on', passedOn, bundle, 'result image'],
    [
      'the status signed by the controller',
      changed({ annotations: signedStatus(controller) }),
      bundle,
      'whether the status still has that hash',
    ],
    [
      'only the status signed',
      changed({ annotations: signedStatus(controller) }, run(results)),
      bundle,
      'whether the status still has that hash',
    ],
    [
      'a controller that signed the status again two weeks later',
      changed({ annotations: signedStatus(controller), completionTime: dayAfter(svid, -14).toISOString() }),
      bundle,
      'whether the status still has that hash',
    ],
    [
      'an authority without a trust domain',
      run(signedEntries(foreign, results)),
      { authorities: [nameless.authority.certificate] },
      'artifacts.taskrun.spire.trust-domain',
    ],
  ];
  it.each(rows)('%s', (_name, taskRun, trust, text) => {
    // Not by the default argument: undefined stands for no bundle here.
    expect(verifyRunSignatures(taskRun, trust, later)).toEqual({
      state: 'unverifiable',
      details: [expect.stringContaining(text)],
    });
  });
});

describe('a run that must not be attested', () => {
  const elsewhere = server.issue('URI:spiffe://example.org/ns/default/taskrun/other');
  const unknown = other.issue(own);
  const stranger = nameless.issue(own);
  const abroad = server.issue('URI:spiffe://other.example/ns/default/taskrun/build');
  const rows: [string, TaskRun, string, TrustBundle?][] = [
    [
      'a value changed in the message',
      run({ ...entries, commit: 'evil' }, [{ name: 'commit', value: 'evil' }, ...status.slice(1)]),
      'result commit of step s0 is not what was signed',
    ],
    [
      'a value changed in the status',
      run(entries, [{ name: 'commit', value: 'evil' }, ...status.slice(1)]),
      'result commit of the TaskRun is not what the step wrote',
    ],
    [
      'a list for a text in the status',
      run(entries, [{ name: 'commit', value: ['aa79de59'] }, ...status.slice(1)]),
      'result commit of the TaskRun',
    ],
    ['a result taken out of the status', run(entries, status.slice(1)), 'result commit was signed and is not among'],
    [
      'a result slipped into the status',
      run(entries, [...status, { name: 'IMAGE_URL', value: 'evil' }]),
      'result IMAGE_URL of the TaskRun was written by no step',
    ],
    [
      'the value of an earlier step',
      run([entries, signedEntries(svid, { commit: 'new' })]),
      'result commit of the TaskRun',
    ],
    [
      'a changed manifest',
      run({ ...entries, RESULT_MANIFEST: 'commit' }),
      'RESULT_MANIFEST of step s0 is not what was signed',
    ],
    [
      'a result that the manifest does not list',
      run({ ...entries, more: 'v', 'more.sig': signature(svid, 'v') }, [...status, { name: 'more', value: 'v' }]),
      'does not list more',
    ],
    [
      'a result taken out of message and status',
      run(without('url'), status.slice(0, 1)),
      'lists what is not there: url',
    ],
    ['no manifest', run(without('RESULT_MANIFEST')), 'RESULT_MANIFEST of step s0 is missing'],
    [
      'no signature of the manifest',
      run(without('RESULT_MANIFEST.sig')),
      'RESULT_MANIFEST of step s0 has no signature',
    ],
    ['no signature of one result', run(without('url.sig')), 'result url of step s0 has no signature'],
    [
      'signatures of two results swapped',
      run({ ...entries, 'url.sig': entries['commit.sig'] ?? '', 'commit.sig': entries['url.sig'] ?? '' }),
      'result url',
    ],
    [
      'a signature that is no base64',
      run({ ...entries, 'url.sig': '!' }),
      'result url of step s0 is not what was signed',
    ],
    ['no certificate', run(without('SVID')), 'SVID of step s0 is missing'],
    ['something else for a certificate', run({ ...entries, SVID: 'x' }), 'no certificate in PEM form'],
    ['another key', run({ ...entries, SVID: server.issue(own).pem }), 'is not what was signed'],
    [
      "another TaskRun's certificate",
      run(signedEntries(elsewhere, results)),
      'spiffe://example.org/ns/default/taskrun/other, which is not this TaskRun',
    ],
    ['a certificate without SPIFFE ID', run(signedEntries(server.issue('DNS:build'), results)), 'one SPIFFE ID'],
    [
      'a SPIFFE ID hidden in a DNS name',
      run(signedEntries(server.issue(`@names\n[names]\nDNS.1=x\\, ${own}`), results)),
      'one SPIFFE ID',
    ],
    ['two SPIFFE IDs', run(signedEntries(server.issue(`${own},URI:spiffe://example.org/b`), results)), 'one SPIFFE ID'],
    ["an authority's certificate", run(signedEntries(server.issue(own, { ca: true }), results)), 'authority'],
    ['a foreign authority', run(signedEntries(unknown, results)), 'not issued by any authority'],
    ['a foreign authority of the same name', run(signedEntries(stranger, results)), 'not issued by any authority'],
    [
      "a certificate of another trust domain than its authority's",
      run(signedEntries(abroad, results)),
      'is not in trust domain example.org',
    ],
    [
      "another trust domain than the setting's",
      run(),
      'is not in trust domain prod.example',
      { ...bundle, trustDomain: 'prod.example' },
    ],
    ['an empty trust bundle', run(), 'not issued by any authority', { authorities: [] }],
    ['an expired certificate', finishedAt(dayAfter(svid, 2)), 'with a certificate that is valid from'],
    ['a certificate that was not valid yet', finishedAt(dayAfter(svid, -1)), 'with a certificate that is valid from'],
    [
      'a step without proof among others',
      run([entries, { extra: 'v' }], [...status, { name: 'extra', value: 'v' }]),
      'step s1 wrote results without signatures, unlike other steps: extra',
    ],
    [
      'the controller says so',
      changed({ conditions: [{ type: 'SignedResultsVerified', status: 'False', message: 'bad signature' }] }),
      'bad signature',
    ],
    [
      'the controller says so, and nothing else is left',
      changed({ conditions: [{ type: 'SignedResultsVerified', status: 'False' }] }, run(results)),
      'SignedResultsVerified is False',
    ],
    [
      'the controller saw the status changed',
      changed({ annotations: { 'tekton.dev/not-verified': 'yes' } }),
      'tekton.dev/not-verified',
    ],
    [
      'a changed hash of the status',
      changed({ annotations: signedStatus(controller, { 'tekton.dev/status-hash': 'beef' }) }),
      'tekton.dev/status-hash of the status is not what was signed',
    ],
    [
      'no signature of the hash',
      changed({ annotations: signedStatus(controller, { 'tekton.dev/status-hash-sig': undefined }) }),
      'tekton.dev/status-hash-sig of the status is missing',
    ],
    [
      'no certificate of the controller',
      changed({ annotations: signedStatus(controller, { 'tekton.dev/controller-svid': undefined }) }),
      'tekton.dev/controller-svid of the status is missing',
    ],
    [
      'the status signed by the TaskRun itself',
      changed({ annotations: signedStatus(svid) }),
      'which is a TaskRun and not the pipelines controller',
    ],
    [
      'the status signed by a foreign controller',
      changed({ annotations: signedStatus(other.issue('URI:spiffe://example.org/tekton/controller')) }),
      'not issued by any authority',
    ],
    [
      "a controller's certificate that ended before the run",
      changed({ annotations: signedStatus(controller), completionTime: dayAfter(svid, 3).toISOString() }),
      'the status was signed at',
    ],
  ];
  it.each(rows)('%s', (_name, taskRun, text, trust = bundle) => {
    const { state, details } = verdict(taskRun, trust);
    expect(state).toBe('tampered');
    expect(details.join('\n')).toContain(text);
  });

  it('says everything that is wrong, and that without a trust bundle as well', () => {
    const { state, details } = verifyRunSignatures(run({ ...entries, commit: 'evil', url: 'evil' }), undefined, later);
    expect(state).toBe('tampered');
    expect(details).toHaveLength(4);
  });

  it('certificates of two trust domains, also without a trust bundle', () => {
    const taskRun = changed({ annotations: signedStatus(other.issue('URI:spiffe://other.example/tekton/controller')) });
    expect(verifyRunSignatures(taskRun, undefined, later)).toEqual({
      state: 'tampered',
      details: ['the certificates are from several trust domains: example.org, other.example'],
    });
  });

  it('a time in the future does not make a certificate valid', () => {
    expect(verdict(run(), bundle, dayAfter(svid, -1)).state).toBe('tampered');
  });
});

describe("a termination message that upstream's entrypoint wrote (docs/spire.md)", () => {
  const pem = `-----BEGIN CERTIFICATE-----
MIICCjCCAbCgAwIBAgIRALH94zAZZXdtPg97O5vG5M0wCgYIKoZIzj0EAwIwHjEL
MAkGA1UEBhMCVVMxDzANBgNVBAoTBlNQSUZGRTAeFw0yMjAzMTQxNTUzNTlaFw0y
MjAzMTQxNjU0MDlaMB0xCzAJBgNVBAYTAlVTMQ4wDAYDVQQKEwVTUElSRTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABPLzFTDY0RDpjKb+eZCIWgUw9DViu8/pM8q7
HMTKCzlyGqhaU80sASZfpkZvmi72w+gLszzwVI1ZNU5e7aCzbtSjgc8wgcwwDgYD
VR0PAQH/BAQDAgOoMB0GA1UdJQQWMBQGCCsGAQUFBwMBBggrBgEFBQcDAjAMBgNV
HRMBAf8EAjAAMB0GA1UdDgQWBBSsUvspy+/Dl24pA1f+JuNVJrjgmTAfBgNVHSME
GDAWgBSOMyOHnyLLGxPSD9RRFL+Yhm/6qzBNBgNVHREERjBEhkJzcGlmZmU6Ly9l
eGFtcGxlLm9yZy9ucy9kZWZhdWx0L3Rhc2tydW4vbm9uLWZhbHNpZmlhYmxlLXBy
b3ZlbmFuY2UwCgYIKoZIzj0EAwIDSAAwRQIhAM4/bPAH9dyhBEj3DbwtJKMyEI56
4DVrP97ps9QYQb23AiBiXWrQkvRYl0h4CX0lveND2yfqLrGdVL405O5NzCcUrA==
-----END CERTIFICATE-----
`;
  const written: Entries = {
    RESULT_MANIFEST: 'foo,bar',
    'RESULT_MANIFEST.sig':
      'MEQCIB4grfqBkcsGuVyoQd9KUVzNZaFGN6jQOKK90p5HWHqeAiB7yZerDA+YE3Af/ALG43DQzygiBpKhTt8gzWGmpvXJFw==',
    SVID: pem,
    bar: 'world',
    'bar.sig': 'MEUCIQDOtg+aEP1FCr6/FsHX+bY1d5abSQn2kTiUMg4Uic2lVQIgTVF5bbT/O77VxESSMtQlpBreMyw2GmKX2hYJlaOEH1M=',
    foo: 'hello',
    'foo.sig': 'MEQCIBr+k0i7SRSyb4h96vQE9hhxBZiZb/2PXQqReOKJDl/rAiBrjgSsalwOvN0zgQay0xQ7PRbm5YSmI8tvKseLR8Ryww==',
  };
  const judge = (name: string, found: Entries) =>
    verifyRunSignatures(
      {
        apiVersion: 'tekton.dev/v1',
        kind: 'TaskRun',
        metadata: { name, namespace: 'default' },
        spec: {},
        status: {
          completionTime: '2022-03-14T15:54:30Z',
          results: [
            { name: 'bar', value: found['bar'] ?? '' },
            { name: 'foo', value: 'hello' },
          ],
          steps: [{ name: 'non-falsifiable', terminated: { exitCode: 0, message: terminationMessage(found) } }],
        },
      },
      undefined,
      later,
    ).state;

  it('holds', () => expect(judge('non-falsifiable-provenance', written)).toBe('unverifiable'));
  it('does not hold with another value', () =>
    expect(judge('non-falsifiable-provenance', { ...written, bar: 'World' })).toBe('tampered'));
  it('does not hold for another TaskRun', () => expect(judge('other', written)).toBe('tampered'));
});
