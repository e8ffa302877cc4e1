import type { ConfigValues } from '../../api/config/values.ts';
import type { TransparencySettings } from './settings.ts';

const MODES: Readonly<Record<string, TransparencySettings['mode']>> = {
  true: 'all',
  manual: 'manual',
  false: 'off',
  '': 'off',
};

/** transparency.*: only the exact words switch it on, as upstream: what is published in a log stays there. */
export function transparency(values: ConfigValues, data: Readonly<Record<string, string>>): TransparencySettings {
  const key = 'transparency.enabled';
  const text = values.text(key, 'false');
  const mode = MODES[text];
  const url = values.text('transparency.url', 'https://rekor.sigstore.dev');
  if (mode === undefined) {
    values.problems.push({
      kind: 'invalid-value',
      key,
      value: text,
      message: `key ${key} has the value ${JSON.stringify(text)}, which is not valid; nothing is written to a transparency log until you correct it: use "true", "manual" or "false"`,
    });
  }
  if (!URL.canParse(url)) {
    values.problems.push({
      kind: 'invalid-value',
      key: 'transparency.url',
      value: data['transparency.url'] ?? '',
      message: `key transparency.url has the value ${JSON.stringify(url)}, which is not a URL; uploads to the log fail until you correct it: write https://host`,
    });
  }
  return {
    mode: mode ?? 'off',
    url,
    api: values.oneOf('transparency.api', 'v1', ['v1', 'v2']),
    timestampUrl: values.text('transparency.timestamp-url', ''),
  };
}
