import { createHash, createHmac } from 'node:crypto';
import type { Heard } from '../registry.fake.ts';

/** AWS Signature Version 4, from its specification: what the request's Authorization header must be. */
export function signatureV4(heard: Heard, id: string, secret: string, region: string, service: string): string {
  const time = String(heard.headers['x-amz-date']);
  const signed = (/SignedHeaders=([^,]+)/.exec(heard.headers.authorization ?? '')?.[1] ?? '').split(';');
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const canonical = [
    heard.method,
    heard.path,
    '',
    ...signed.map((name) => `${name}:${String(heard.headers[name]).trim()}`),
    '',
    signed.join(';'),
    hash(heard.body),
  ].join('\n');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const key = [region, service, 'aws4_request'].reduce(
    (before, part) => mac(before, part),
    mac(`AWS4${secret}`, time.slice(0, 8)),
  );
  const signature = mac(key, ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`;
}
