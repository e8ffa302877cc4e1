import { systemClock, type Clock } from '../../../clock.ts';
import { googleAccessToken } from '../../signing/identity/google.ts';
import { joinUrl, request, type Environment, type Request } from '../../signing/service.ts';
import type { FirestoreCollection } from './collection.ts';
import type { Database } from './database.ts';
import { keyOf, type SignedDocument } from './document.ts';

export interface FirestoreOptions {
  /** FIRESTORE_EMULATOR_HOST, as Google's own libraries read it, is used without credentials. */
  env?: Environment;
  clock?: Clock;
  /** An access token; default: the application default credentials. */
  accessToken?: (signal: AbortSignal) => Promise<string>;
}

const wayOut = 'check storage.docdb.url, and that the credentials have roles/datastore.user in the project';

/**
 * Firestore over its REST API (firebase.google.com/docs/firestore/reference/rest): one commit, as gocloud's
 * gcpfirestore makes it.
 */
export function firestoreDatabase(
  { database, path, keyField }: FirestoreCollection,
  options: FirestoreOptions = {},
): Database {
  const emulator = (options.env ?? process.env).FIRESTORE_EMULATOR_HOST;
  const base = emulator ? `http://${emulator}` : 'https://firestore.googleapis.com';
  const accessToken = options.accessToken ?? (emulator ? () => Promise.resolve('owner') : googleAccessToken());
  return {
    async put(document, signal) {
      const update = { name: `${path}/${keyOf(document, keyField)}`, fields: firestoreFields(document, keyField) };
      const wanted: Request = {
        service: 'Firestore',
        url: joinUrl(base, `v1/${database}/documents:commit`),
        wayOut,
        // The header says which database the call is for; Google routes by it.
        headers: { authorization: `Bearer ${await accessToken(signal)}`, 'google-cloud-resource-prefix': database },
        body: { writes: [{ update }] },
      };
      await request(wanted, signal, options.clock ?? systemClock);
    },
  };
}

/**
 * The fields as Firestore's typed values; the one that is the name of the document is left out under that very name.
 */
export function firestoreFields(document: SignedDocument, keyField: string): Record<string, object> {
  const fields = Object.fromEntries(Object.entries(document).map(([name, value]) => [name, valueOf(value)]));
  delete fields[keyField];
  return fields;
}

function valueOf(value: unknown): object {
  if (value === null || value === undefined) return { nullValue: null };
  if (typeof value === 'boolean') return { booleanValue: value };
  if (typeof value === 'number') return { doubleValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } };
  return {
    mapValue: { fields: Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, valueOf(inner)])) },
  };
}
