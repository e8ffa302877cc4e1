import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface CertificateWish {
  /** Of the subject: `server` unless set. */
  commonName?: string;
  /** As openssl writes them: `IP:127.0.0.1,DNS:api.example`; none unless set. */
  names?: string;
}

/** A server's key and its certificate, signed by itself, both PEM; good for two days. */
export function selfSigned({ commonName = 'server', names }: CertificateWish = {}): { key: string; cert: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'certificate-'));
  const [key, cert] = [path.join(folder, 'key'), path.join(folder, 'cert')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${commonName}`, ...(names ? ['-addext', `subjectAltName=${names}`] : [])];
  try {
    const made = ['-keyout', key, '-out', cert, '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...made, ...subject], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
