/** Keys and certificates of one cluster, made once with the openssl command. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { command } from '../command.ts';
import { nodeName, serviceAddress, statePath, type Instance } from './instance.ts';

interface Certificate {
  readonly name: string;
  readonly authority: 'ca' | 'front-proxy-ca';
  readonly user: string;
  readonly group?: string;
  /** Subject alternative names: set on a server's certificate only. */
  readonly names?: readonly string[];
}

/** The path of a key or certificate: `pkiPath(i, 'ca.crt')`. */
export function pkiPath(instance: Instance, file: string): string {
  return statePath(instance.name, 'pki', file);
}

/** Makes what is missing. A file `complete` tells that a run ended, so that a killed one is done over. */
export async function ensurePki(instance: Instance): Promise<void> {
  const complete = pkiPath(instance, 'complete');
  if (existsSync(complete)) {
    // Of a cluster that was made before somebody needed one more.
    const missing = certificates(instance).filter(({ name }) => !existsSync(pkiPath(instance, `${name}.crt`)));
    await Promise.all(missing.map((certificate) => makeCertificate(instance, certificate)));
    return;
  }
  await mkdir(pkiPath(instance, ''), { recursive: true, mode: 0o700 });
  await Promise.all([
    makeAuthority(instance, 'ca'),
    makeAuthority(instance, 'front-proxy-ca'),
    makeServiceAccountKeys(instance),
  ]);
  await Promise.all(certificates(instance).map((certificate) => makeCertificate(instance, certificate)));
  await writeFile(complete, '');
}

function certificates(instance: Instance): Certificate[] {
  const client = (name: string, user: string, group?: string): Certificate => ({ name, authority: 'ca', user, group });
  return [
    { name: 'apiserver', authority: 'ca', user: 'kube-apiserver', names: apiServerNames(instance) },
    { name: 'front-proxy-client', authority: 'front-proxy-ca', user: 'front-proxy-client' },
    client('apiserver-kubelet-client', 'kube-apiserver-kubelet-client', 'system:masters'),
    client('admin', 'tektite-admin', 'system:masters'),
    client('controller-manager', 'system:kube-controller-manager'),
    client('scheduler', 'system:kube-scheduler'),
    client('kube-proxy', 'system:kube-proxy'),
    client('kubelet', `system:node:${nodeName(instance)}`, 'system:nodes'),
    client('kubelet-second', `system:node:${nodeName(instance, 'second')}`, 'system:nodes'),
    client('coredns', 'tektite:coredns'),
    client('provisioner', 'tektite:provisioner'),
  ];
}

function apiServerNames(instance: Instance): string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  const addresses = new Set([instance.address, '127.0.0.1', serviceAddress(instance, 1)]);
  return [
    ...[...service, 'localhost'].map((name) => `DNS:${name}`),
    ...[...addresses].map((address) => `IP:${address}`),
  ];
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'];

async function makeAuthority(instance: Instance, name: string): Promise<void> {
  const extensions = [
    'basicConstraints = critical,CA:TRUE',
    'keyUsage = critical,keyCertSign,cRLSign,digitalSignature',
    'subjectKeyIdentifier = hash',
  ];
  await request(instance, name, { subject: [`CN = ${instance.name} ${name}`], extensions, signer: [] });
}

async function makeCertificate(
  instance: Instance,
  { name, authority, user, group, names }: Certificate,
): Promise<void> {
  const subject = [...(group === undefined ? [] : [`O = ${group}`]), `CN = ${user}`];
  const extensions = [
    'basicConstraints = critical,CA:FALSE',
    'keyUsage = critical,digitalSignature',
    `extendedKeyUsage = ${names === undefined ? 'clientAuth' : 'serverAuth'}`,
    ...(names === undefined ? [] : [`subjectAltName = ${names.join(',')}`]),
  ];
  const signer = ['-CA', pkiPath(instance, `${authority}.crt`), '-CAkey', pkiPath(instance, `${authority}.key`)];
  await request(instance, name, { subject, extensions, signer });
}

/** What is asked of openssl, in the words of its configuration and its flags. */
interface CertificateRequest {
  subject: string[];
  extensions: string[];
  /** Empty: it signs itself. */
  signer: string[];
}

/** A configuration file of our own, because the machine's may add extensions. */
async function request(
  instance: Instance,
  name: string,
  { subject, extensions, signer }: CertificateRequest,
): Promise<void> {
  const config = [
    '[req]',
    'prompt = no',
    'distinguished_name = subject',
    'x509_extensions = extensions',
    '[subject]',
    ...subject,
    '[extensions]',
    ...extensions,
    '',
  ];
  const configFile = pkiPath(instance, `${name}.cnf`);
  await writeFile(configFile, config.join('\n'));
  const out = ['-keyout', pkiPath(instance, `${name}.key`), '-out', pkiPath(instance, `${name}.crt`)];
  await command(['openssl', 'req', '-x509', '-config', configFile, ...NEW_KEY, ...signer, ...out]);
}

async function makeServiceAccountKeys(instance: Instance): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const mode = 0o600;
  await writeFile(pkiPath(instance, 'service-account.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode,
  });
  await writeFile(pkiPath(instance, 'service-account.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
}
