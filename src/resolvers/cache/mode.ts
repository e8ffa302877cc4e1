import type { Param } from '../../api/pipeline/v1/params.ts';
import { InvalidRequest, type ConfigData } from '../resolver.ts';
import { RequestParams } from '../params.ts';

export const cacheModes = ['always', 'never', 'auto'] as const;

/**
 * Whether an answer may come from the cache: param `cache`, else `default-cache-mode` of the resolver's ConfigMap, else
 * auto, which keeps only what can never mean something else.
 * @throws InvalidRequest for a mode that is none, with upstream's text.
 */
export function usesCache(params: readonly Param[], config: ConfigData, immutable: boolean): boolean {
  const asked = new RequestParams(params).text('cache');
  if (asked !== '' && !cacheModes.some((each) => each === asked))
    throw new InvalidRequest(
      `invalid cache mode '${asked}', must be one of: [${cacheModes.join(' ')}] (or empty for default)`,
    );
  const mode = asked || config['default-cache-mode'];
  return mode === 'always' || (mode !== 'never' && immutable);
}
