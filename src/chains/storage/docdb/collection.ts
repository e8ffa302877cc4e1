/** What storage.docdb.url names, in the forms of gocloud.dev/docstore that upstream takes. */
export type Collection =
  | { kind: 'mongo'; database: string; collection: string; keyField: string }
  | { kind: 'firestore'; /** `projects/p/databases/d`. */ database: string; /** `<database>/documents/<collection>`. */ path: string; keyField: string }
  | { kind: 'dynamodb'; table: string; keyField: string; sortField: string; region?: string; endpoint?: string; profile?: string };

const forms = 'mongo://<database>/<collection>?id_field=name, firestore://projects/<project>/databases/(default)/documents/<collection>?name_field=name or dynamodb://<table>?partition_key=Name';

/** @throws Error naming storage.docdb.url, what is wrong with it and how it should look. */
export function parseCollection(text: string): Collection {
  const problem = (what: string) => new Error(`storage.docdb.url in chains-config ${what}: write ${forms}`);
  if (text === '') throw problem('is not set');
  if (!URL.canParse(text)) throw problem(`is ${JSON.stringify(text)}, which is not a URL`);
  const { protocol, host, pathname, searchParams } = new URL(text);
  const path = decodeURIComponent(pathname).replace(/^\//, '');
  const rest = new Map(searchParams);
  const take = (name: string): string => {
    const value = rest.get(name) ?? '';
    rest.delete(name);
    return value;
  };
  // Documents here have no revision, so that this one says nothing.
  take('revision_field');
  const collection = ((): Collection => {
    switch (protocol) {
      case 'mongo:':
        if (host === '' || path === '') throw problem(`${JSON.stringify(text)} lacks the ${host === '' ? 'database' : 'collection'}`);
        return { kind: 'mongo', database: host, collection: path, keyField: take('id_field') || '_id' };
      case 'firestore:': {
        const [, database] = /^(projects\/[^/]+\/databases\/[^/]+)\/documents\/.+/.exec(`${host}/${path}`) ?? [];
        const keyField = take('name_field');
        if (database === undefined || keyField === '') throw problem(`${JSON.stringify(text)} lacks ${database === undefined ? 'projects/…/databases/…/documents/…' : 'name_field'}`);
        return { kind: 'firestore', database, path: `${host}/${path}`, keyField };
      }
      case 'dynamodb:': {
        const keyField = take('partition_key');
        if (host === '' || path !== '' || keyField === '') throw problem(`${JSON.stringify(text)} ${path === '' ? `lacks ${host === '' ? 'the table' : 'partition_key'}` : `has the path ${path} after the table`}`);
        for (const known of ['allow_scans', 'consistent_read', 'awssdk']) take(known);
        const settings = Object.fromEntries(['region', 'endpoint', 'profile'].flatMap((name) => [[name, take(name)]]).filter(([, value]) => value !== ''));
        return { kind: 'dynamodb', table: host, keyField, sortField: take('sort_key'), ...settings };
      }
      default:
        throw problem(`is ${JSON.stringify(text)}, and ${protocol}// is not known`);
    }
  })();
  const [unknown] = rest.keys();
  if (unknown !== undefined) throw problem(`${JSON.stringify(text)} has the parameter ${unknown}, which is not known`);
  return collection;
}
