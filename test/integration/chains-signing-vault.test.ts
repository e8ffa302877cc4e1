import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tool } from '../../hack/one-node/binaries.ts';
import { parseChainsConfig } from '../../src/chains/config/parse.ts';
import { preAuthEncoding } from '../../src/chains/signing/dsse.ts';
import { createSignerSource } from '../../src/chains/signing/source.ts';
import { inTotoPayloadType, type Payload } from '../../src/chains/types.ts';

/** hashivault:// against the real Vault (1.13.1): transit keys of every kind, rotation, policies, a login by JWT. */

const signal = new AbortController().signal;
const payload: Payload = {
  json: Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}'),
  payloadType: inTotoPayloadType,
  predicateType: 'p',
  wrap: true,
  subjects: [],
};
const signed = preAuthEncoding(payload.payloadType, payload.json);

let folder: string;
let server: ChildProcess;
let vault: { address: string; token: string };
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'chains-vault-'));
  server = spawn(await tool('vault-server'), [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await new Promise<string[]>((resolve) =>
    createInterface({ input: server.stdout! }).once('line', (text) => resolve([text])),
  )) as [string];
  vault = JSON.parse(line) as typeof vault;
  await write('sys/mounts/transit', { type: 'transit' });
}, 900_000);
afterAll(async () => {
  server?.kill();
  await rm(folder, { recursive: true, force: true });
});

async function write(target: string, body: object): Promise<void> {
  const response = await fetch(`${vault.address}/v1/${target}`, {
    method: 'POST',
    headers: { 'x-vault-token': vault.token },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${target}: ${response.status} ${await response.text()}`);
}

function signerFor(key: string, auth: Record<string, string>, env: Record<string, string> = {}) {
  const data = Object.fromEntries(Object.entries(auth).map(([name, value]) => [`signers.kms.auth.${name}`, value]));
  const { config, problems } = parseChainsConfig({
    'artifacts.taskrun.signer': 'kms',
    'signers.kms.kmsref': `hashivault://${key}`,
    'signers.kms.auth.address': vault.address,
    ...data,
  });
  expect(problems).toEqual([]);
  return createSignerSource({ config: () => config, secret: () => ({}), env })('taskrun');
}

describe('hashivault://', () => {
  it.each([
    { type: 'ecdsa-p256', algorithm: 'ecdsa-p256-sha256', hash: 'sha256' },
    { type: 'ecdsa-p384', algorithm: 'ecdsa-p384-sha256', hash: 'sha256' },
    { type: 'rsa-2048', algorithm: 'rsa-2048-pkcs1v15-sha256', hash: 'sha256' },
    { type: 'ed25519', algorithm: 'ed25519', hash: null },
  ])('signs with a transit key of type $type', async ({ type, algorithm, hash }) => {
    await write(`transit/keys/${type}`, { type });
    const signature = await (await signerFor(type, { token: vault.token })).sign(payload, signal);
    expect(signature.algorithm).toBe(algorithm);
    expect(verify(hash, signed, createPublicKey(signature.publicKeyPem), signature.signature)).toBe(true);
  });

  it('goes on through a rotation of the key', async () => {
    await write('transit/keys/rotated', { type: 'ecdsa-p256' });
    const signer = await signerFor('rotated', { token: vault.token });
    const before = await signer.sign(payload, signal);
    await write('transit/keys/rotated/rotate', {});
    const after = await signer.sign(payload, signal);
    expect(after.keyId).not.toBe(before.keyId);
    expect(verify('sha256', signed, createPublicKey(after.publicKeyPem), after.signature)).toBe(true);
  });

  it('needs no more than the two rights that its message names', async () => {
    await write('transit/keys/least', { type: 'ecdsa-p256' });
    await write('sys/policies/acl/chains', {
      policy:
        'path "transit/keys/least" { capabilities = ["read"] }\npath "transit/sign/least/*" { capabilities = ["update"] }',
    });
    const response = await fetch(`${vault.address}/v1/auth/token/create`, {
      method: 'POST',
      headers: { 'x-vault-token': vault.token },
      body: JSON.stringify({ policies: ['chains'], no_default_policy: true }),
    });
    const { auth } = (await response.json()) as { auth: { client_token: string } };
    const file = path.join(folder, 'token');
    await writeFile(file, `${auth.client_token}\n`);
    await (await signerFor('least', { 'token-path': file })).sign(payload, signal);
    await write('transit/keys/other', { type: 'ecdsa-p256' });
    await expect((await signerFor('other', { 'token-path': file })).sign(payload, signal)).rejects.toThrow(
      /403: .*permission denied.*read on transit\/keys\/other and update on transit\/sign\/other/,
    );
  });

  it('logs in with a JWT of the ServiceAccount, at another engine path', async () => {
    // What a first try has mounted stays.
    const [mount, engine] = [`jwt-${randomUUID()}`, `team-${randomUUID()}`];
    await write(`sys/mounts/${engine}`, { type: 'transit' });
    await write(`${engine}/keys/chains`, { type: 'ecdsa-p256' });
    await write(`sys/auth/${mount}`, { type: 'jwt' });
    const { privateKey, publicKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
      publicKeyEncoding: { format: 'pem', type: 'spki' },
    });
    await write(`auth/${mount}/config`, {
      jwt_validation_pubkeys: [publicKey],
      bound_issuer: 'https://kubernetes.default.svc',
    });
    await write('sys/policies/acl/team', { policy: `path "${engine}/*" { capabilities = ["read", "update"] }` });
    await write(`auth/${mount}/role/chains`, {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: ['vault'],
      bound_subject: 'system:serviceaccount:tekton-chains:tekton-chains-controller',
      policies: ['team'],
      ttl: '10m',
    });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const head = `${part({ alg: 'ES256' })}.${part({ iss: 'https://kubernetes.default.svc', aud: ['vault'], sub: 'system:serviceaccount:tekton-chains:tekton-chains-controller', iat: now, nbf: now - 5, exp: now + 600 })}`;
    const jwt = `${head}.${sign('sha256', Buffer.from(head), { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    const file = path.join(folder, 'jwt');
    await writeFile(file, jwt);
    const settings = { 'oidc.path': mount, 'oidc.role': 'chains', 'oidc.token-path': file };
    await (await signerFor('chains', settings, { TRANSIT_SECRET_ENGINE_PATH: engine })).sign(payload, signal);
    await expect(
      (await signerFor('chains', { ...settings, 'oidc.role': 'nobody' })).sign(payload, signal),
    ).rejects.toThrow(
      new RegExp(`auth/${mount}/login: 400: .*could not be found.*oidc\\.path \\(${mount}\\) and \\.role \\(nobody\\)`),
    );
  });
});
