import { createPrivateKey, sign as signWith, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import type { Definition } from '../../resolvers/trust/signed-forms.ts';
import { command, CommandError, type Command, type Context, repeated } from '../command.ts';
import { text } from '../flags.ts';
import { yamlText } from '../yaml.ts';

type Kind = 'Task' | 'Pipeline';

const keyFlags = (what: string) => ({
  'key-file': text(`${what} key file`, { short: 'K' }),
  'kms-key': text('KMS key url', { short: 'm' }),
});

/** `tkn task sign`, `tkn pipeline sign`: the file with its defaults and a signature over them. */
export function signCommand(kind: Kind): Command {
  return command({
    names: ['sign'],
    summary: `Sign Tekton ${kind}`,
    usage: 'FILE',
    examples: `Sign a ${kind} with a key of cosign (the password is in PRIVATE_PASSWORD, or comes from standard input):\n\n    tektite ${kind.toLowerCase()} sign task.yaml -K cosign.key -f signed.yaml`,
    arguments: { least: 1, most: 1 },
    needsCluster: false,
    offers: repeated({ files: true }),
    flags: {
      ...keyFlags('Private'),
      'file-name': text('file name of the signed definition; the original file name overwrites the file', {
        short: 'f',
      }),
    },
    async run(context, flags, [file = '']) {
      if (flags['file-name'] === '') throw new CommandError('write where the signed file goes: --file-name');
      const { toSign, signatureAnnotation } = await import('../../resolvers/trust/signed-forms.ts');
      const found = await readDefinition(file, kind);
      const failing = `error signing ${kind}`;
      const { definition, digest } = await attempt(failing, () => toSign(found));
      const signature = await attempt(failing, () => signature64(digest, flags, context));
      const { annotations } = definition.metadata;
      const metadata = { ...definition.metadata, annotations: { ...annotations, [signatureAnnotation]: signature } };
      await writeFile(flags['file-name'], await yamlText({ ...definition, metadata }), { mode: 0o600 });
      context.terminal.out(`${kind} ${file} is signed successfully \n`);
      return 0;
    },
  });
}

/** `tkn task verify`, `tkn pipeline verify`. */
export function verifyCommand(kind: Kind): Command {
  return command({
    names: ['verify'],
    summary: `Verify Tekton ${kind}`,
    usage: 'FILE',
    examples: `Verify a signed ${kind}:\n\n    tektite ${kind.toLowerCase()} verify signed.yaml -K cosign.pub`,
    arguments: { least: 1, most: 1 },
    needsCluster: false,
    offers: repeated({ files: true }),
    flags: keyFlags('Public'),
    async run(context, flags, [file = '']) {
      const found = await readDefinition(file, kind);
      await attempt(`error verifying ${kind}`, () => verify(found, flags, context));
      context.terminal.out(`${kind} ${file} passes verification \n`);
      return 0;
    },
  });
}

type Keys = Readonly<Record<'key-file' | 'kms-key', string>>;

async function attempt<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CommandError(`${what}: ${messageOf(error)}`);
  }
}

async function readDefinition(file: string, kind: Kind): Promise<Definition> {
  const { parse } = await import('yaml');
  const text = await attempt('error reading file', () => readFile(file, 'utf8'));
  const found = await attempt(`error unmarshalling ${kind}`, () => parse(text, { uniqueKeys: true }) as unknown);
  const { kind: actual, metadata, spec } = (found ?? {}) as Partial<Definition>;
  if (actual !== kind || typeof metadata !== 'object' || typeof spec !== 'object')
    throw new CommandError(`error unmarshalling ${kind}: ${file} holds no ${kind}`);
  return found as Definition;
}

function onlyKey(keys: Keys): void {
  if ((keys['key-file'] === '') === (keys['kms-key'] === ''))
    throw new Error('write which key: either --key-file or --kms-key');
}

async function signature64(digest: Buffer, keys: Keys, context: Context): Promise<string> {
  onlyKey(keys);
  if (keys['key-file'] !== '') {
    const key = await privateKeyOf(keys['key-file'], context);
    return signWith(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', digest, key).toString('base64');
  }
  const signer = await kmsSigner(keys['kms-key']);
  const { signature } = await signer.signBytes(digest, context.signal);
  return Buffer.from(signature).toString('base64');
}

async function privateKeyOf(file: string, context: Context): Promise<KeyObject> {
  const pem = await readFile(file);
  if (!/ENCRYPTED (COSIGN|SIGSTORE) PRIVATE KEY/.test(pem.toString('latin1'))) return createPrivateKey(pem);
  const { openCosignKey } = await import('../../chains/signing/cosign-key.ts');
  return openCosignKey(pem, Buffer.from(await password(context)), file);
}

/** As tkn: from the environment, else a line of standard input. */
async function password({ terminal, signal }: Context): Promise<string> {
  const given = process.env['PRIVATE_PASSWORD'];
  if (given !== undefined) return given;
  if (terminal.interactive) terminal.err('Enter password for private key: ');
  for await (const line of terminal.lines(signal)) return line;
  return '';
}

async function kmsSigner(ref: string) {
  const { createKmsSigner } = await import('../../chains/signing/kms/index.ts');
  const none = { path: '', role: '', tokenPath: '' };
  const [address, token] = [process.env['VAULT_ADDR'] ?? '', process.env['VAULT_TOKEN'] ?? ''];
  return createKmsSigner(
    { ref, auth: { address, token, tokenPath: '', oidc: none, spire: { sock: '', audience: '' } } },
    { env: process.env },
  );
}

async function verify(definition: Definition, keys: Keys, { signal }: Context): Promise<void> {
  onlyKey(keys);
  const { publicKeyOf } = await import('../../resolvers/trust/public-key.ts');
  const { verifyDefinition } = await import('../../resolvers/trust/verify.ts');
  const keysOf = async () => {
    if (keys['key-file'] !== '')
      return [{ key: publicKeyOf(await readFile(keys['key-file'])), hash: 'sha256' as const }];
    const current = await (await kmsSigner(keys['kms-key'])).currentKey?.(signal);
    return current ? [{ key: current.publicKey, hash: current.algorithm.hash ?? ('sha256' as const) }] : [];
  };
  const policies = [{ metadata: { name: 'key' }, spec: { resources: [{ pattern: '.*' }], authorities: [] } }];
  const verdict = await verifyDefinition({ definition, uri: '', policies, noMatch: 'fail', keysOf });
  if (verdict.kind === 'failed' || verdict.kind === 'warned') throw new Error(verdict.message);
}
