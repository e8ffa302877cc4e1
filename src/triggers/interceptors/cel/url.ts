/** Parts of a URL as upstream's parseURL names them. Relative references have no scheme and host. @throws Error */
export function urlParts(text: string): Record<string, unknown> {
  // RFC 3986, appendix B: unlike `new URL` it changes nothing, as Go does.
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (!parts || /[\u0000-\u001f\u007f]/.test(text)) throw new Error('failed to decode the text in parseURL');
  const [, scheme = '', authority = '', path = '', rawQuery = '', fragment = ''] = parts;
  const at = authority.lastIndexOf('@');
  const query = new URLSearchParams(rawQuery);
  const names = [...new Set(query.keys())];
  return {
    scheme: scheme.toLowerCase(),
    host: authority.slice(at + 1),
    path: unescaped(path),
    rawQuery,
    fragment: unescaped(fragment),
    queryStrings: Object.fromEntries(names.map((name) => [name, query.getAll(name)])),
    query: Object.fromEntries(names.map((name) => [name, query.getAll(name).join(',')])),
    ...(at < 0 ? {} : { auth: authOf(authority.slice(0, at)) }),
  };
}

function authOf(text: string): { username: string; password: string } {
  const colon = text.indexOf(':');
  return colon < 0
    ? { username: unescaped(text), password: '' }
    : { username: unescaped(text.slice(0, colon)), password: unescaped(text.slice(colon + 1)) };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('failed to decode the text in parseURL: invalid URL escape');
  }
}
