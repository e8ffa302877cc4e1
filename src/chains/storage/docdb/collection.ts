/** What storage.docdb.url names, in the forms of gocloud.dev/docstore that upstream takes. */
export type Collection = MongoCollection | FirestoreCollection | DynamoTable;

export interface MongoCollection {
  kind: 'mongo';
  database: string;
  collection: string;
  keyField: string;
}

export interface FirestoreCollection {
  kind: 'firestore';
  /** `projects/p/databases/d`. */
  database: string;
  /** `<database>/documents/<collection>`. */
  path: string;
  keyField: string;
}

export interface DynamoTable {
  kind: 'dynamodb';
  table: string;
  keyField: string;
  /** "" for a table without. */
  sortField: string;
  region?: string;
  endpoint?: string;
  profile?: string;
}

const forms =
  'mongo://<database>/<collection>?id_field=name, firestore://projects/<project>/databases/(default)/documents/<collection>?name_field=name or dynamodb://<table>?partition_key=Name';

/** A URL in parts; `take` gives a parameter and strikes it out. */
interface Parts {
  text: string;
  host: string;
  path: string;
  take: (parameter: string) => string;
}

/** @throws Error naming storage.docdb.url, what is wrong with it and how it should look. */
export function parseCollection(text: string): Collection {
  if (text === '') throw problem('is not set');
  if (!URL.canParse(text)) throw problem(`is ${JSON.stringify(text)}, which is not a URL`);
  const { protocol, host, pathname, searchParams } = new URL(text);
  const read = readers[protocol];
  if (!read) throw problem(`is ${JSON.stringify(text)}, and ${protocol}// is not known`);
  const rest = new Map(searchParams);
  const take = (parameter: string): string => {
    const value = rest.get(parameter) ?? '';
    rest.delete(parameter);
    return value;
  };
  // Documents here have no revision, so that this one says nothing.
  take('revision_field');
  const collection = read({ text, host, path: decodeURIComponent(pathname).replace(/^\//, ''), take });
  const [unknown] = rest.keys();
  if (unknown !== undefined) throw problem(`${JSON.stringify(text)} has the parameter ${unknown}, which is not known`);
  return collection;
}

const readers: Readonly<Record<string, (parts: Parts) => Collection>> = {
  'mongo:': readMongo,
  'firestore:': readFirestore,
  'dynamodb:': readDynamo,
};

function readMongo({ text, host, path, take }: Parts): MongoCollection {
  if (host === '' || path === '') throw lacks(text, host === '' ? 'the database' : 'the collection');
  return { kind: 'mongo', database: host, collection: path, keyField: take('id_field') || '_id' };
}

function readFirestore({ text, host, path, take }: Parts): FirestoreCollection {
  const full = `${host}/${path}`;
  const [, database] = /^(projects\/[^/]+\/databases\/[^/]+)\/documents\/.+/.exec(full) ?? [];
  if (database === undefined) throw lacks(text, 'projects/…/databases/…/documents/…');
  const keyField = take('name_field');
  if (keyField === '') throw lacks(text, 'name_field');
  return { kind: 'firestore', database, path: full, keyField };
}

function readDynamo({ text, host, path, take }: Parts): DynamoTable {
  if (host === '') throw lacks(text, 'the table');
  if (path !== '') throw problem(`${JSON.stringify(text)} has the path ${path} after the table`);
  const keyField = take('partition_key');
  if (keyField === '') throw lacks(text, 'partition_key');
  // Known to docstore, and without meaning for writing.
  for (const parameter of ['allow_scans', 'consistent_read', 'awssdk']) take(parameter);
  const settings = ['region', 'endpoint', 'profile']
    .map((name) => [name, take(name)])
    .filter(([, value]) => value !== '');
  return {
    kind: 'dynamodb',
    table: host,
    keyField,
    sortField: take('sort_key'),
    ...(Object.fromEntries(settings) as Partial<DynamoTable>),
  };
}

function problem(what: string): Error {
  return new Error(`storage.docdb.url in chains-config ${what}: write ${forms}`);
}

function lacks(text: string, what: string): Error {
  return problem(`${JSON.stringify(text)} lacks ${what}`);
}
