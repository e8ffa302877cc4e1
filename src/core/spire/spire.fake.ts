import { execFileSync } from 'node:child_process';
import { createPrivateKey, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TaskRun, TaskRunResult } from '../../api/pipeline/v1/taskrun.ts';
import { entryType, type TerminationEntry } from '../podstatus/termination.ts';
import { statementOf } from './statement.ts';

/** A certificate with its key. */
export interface Issued {
  pem: string;
  certificate: X509Certificate;
  key: KeyObject;
}

export interface Server {
  authority: Issued;
  /** A certificate for one day from now with these names (openssl's form). */
  issue(names: string, more?: { ca?: boolean; key?: readonly string[] }): Issued;
}

const ecKey = ['ecparam', '-name', 'prime256v1', '-genkey', '-noout'];

/** What a SPIRE server is to us: an authority and what it issues, in the form in which SPIRE does. */
export function spireServer(names = 'URI:spiffe://example.org'): Server {
  const authority = certificate('SPIFFE', [
    'basicConstraints=critical,CA:true',
    'keyUsage=critical,keyCertSign,cRLSign',
    'subjectKeyIdentifier=hash',
    ...san(names),
  ]);
  return {
    authority,
    issue: (leafNames, { ca = false, key = ecKey } = {}) =>
      certificate(
        'SPIRE',
        [
          `basicConstraints=critical,CA:${ca}`,
          `keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement${ca ? ',keyCertSign' : ''}`,
          'extendedKeyUsage=serverAuth,clientAuth',
          'authorityKeyIdentifier=keyid',
          ...san(leafNames),
        ],
        authority,
        key,
      ),
  };
}

function san(names: string): string[] {
  return names === '' ? [] : [`subjectAltName=${names}`];
}

function certificate(
  subject: string,
  extensions: readonly string[],
  issuer?: Issued,
  newKey: readonly string[] = ecKey,
): Issued {
  const folder = mkdtempSync(path.join(tmpdir(), 'spire-'));
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  try {
    const key = openssl(...newKey);
    const config = file('config', ['[req]', 'distinguished_name=d', '[d]', '[e]', ...extensions, ''].join('\n'));
    const common = ['req', '-new', '-key', file('key', key), '-subj', `/C=US/O=${subject}`, '-config', config];
    if (!issuer) return issued(openssl(...common, '-x509', '-days', '30', '-extensions', 'e'), key);
    const by = file('issuer', issuer.pem + String(issuer.key.export({ type: 'pkcs8', format: 'pem' })));
    return issued(
      openssl(
        'x509',
        '-req',
        '-in',
        file('request', openssl(...common)),
        '-CA',
        by,
        '-CAkey',
        by,
        '-CAcreateserial',
        '-days',
        '1',
        '-extfile',
        config,
        '-extensions',
        'e',
      ),
      key,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

function issued(pem: string, key: string): Issued {
  return { pem, certificate: new X509Certificate(pem), key: createPrivateKey(key) };
}

export type Entries = Record<string, string>;

/** ASN.1 ECDSA (or PKCS #1 RSA) over SHA-256 of the text, as base64: upstream's signWithKey. */
export function signature(svid: Issued, text: string): string {
  return sign('sha256', Buffer.from(text), svid.key).toString('base64');
}

/**
 * What upstream's entrypoint adds to results that a step wrote. `signedAs`: the text that is signed for results that
 * are no plain text.
 */
export function signedEntries(svid: Issued, results: Entries, signedAs: Entries = {}): Entries {
  const manifest = Object.keys(results).join(',');
  const signatures = Object.entries(results).map(([name, text]) => [
    `${name}.sig`,
    signature(svid, signedAs[name] ?? text),
  ]);
  return {
    ...results,
    SVID: svid.pem,
    ...(Object.fromEntries(signatures) as Entries),
    RESULT_MANIFEST: manifest,
    'RESULT_MANIFEST.sig': signature(svid, manifest),
  };
}

/** What our entrypoint adds (src/entrypoint/spire): upstream's proof, and a statement over all of it. */
export function statedMessage(svid: Issued, identity: string, reported: readonly TerminationEntry[]): string {
  const results = reported.filter(({ type }) => type === entryType.taskResult);
  const proof = signedEntries(svid, Object.fromEntries(results.map(({ key, value }) => [key, value])));
  const statement = statementOf(identity, reported);
  const stated = { ...proof, RESULT_STATEMENT: statement, 'RESULT_STATEMENT.sig': signature(svid, statement) };
  const others = reported.filter(({ type }) => type !== entryType.taskResult);
  return JSON.stringify([...others, ...entriesOf(stated)]);
}

function entriesOf(results: Entries): TerminationEntry[] {
  return Object.entries(results).map(([key, value]) => ({ key, value, type: entryType.taskResult }));
}

export function terminationMessage(entries: Entries): string {
  return JSON.stringify(
    Object.entries(entries)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value, type: 1 })),
  );
}

/** A finished TaskRun default/build whose steps wrote these entries, an hour after the certificate became valid. */
export function runOf(steps: readonly Entries[], results: readonly TaskRunResult[], svid: Issued): TaskRun {
  const completionTime = new Date(svid.certificate.validFromDate.getTime() + 3_600_000).toISOString();
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name: 'build', namespace: 'default', uid: 'uid-build' },
    spec: {},
    status: {
      conditions: [{ type: 'Succeeded', status: 'True' }],
      completionTime,
      results: [...results],
      steps: steps.map((entries, index) => ({
        name: `s${index}`,
        terminated: { exitCode: 0, finishedAt: completionTime, message: terminationMessage(entries) },
      })),
    },
  };
}

/** Days after the certificate became valid; it is for one. */
export function dayAfter(svid: Issued, days: number): Date {
  return new Date(svid.certificate.validFromDate.getTime() + days * 86_400_000);
}
