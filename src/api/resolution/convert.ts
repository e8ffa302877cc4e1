import type { Conversion } from '../kind.ts';
import type { ResolutionRequest, ResolutionRequestV1alpha1 } from './resolution-request.ts';
import { isJsonObject } from '../../json-object.ts';

/**
 * v1alpha1 has params as an object of texts. What it cannot say (lists, objects, the url) is left out of what it shows;
 * resolvers of v1alpha1 write the status only, which does not touch the spec.
 */
export const resolutionRequestConversion: Conversion<ResolutionRequestV1alpha1, ResolutionRequest> = {
  toStored: ({ spec, ...object }) => ({
    ...object,
    spec: isJsonObject(spec?.params)
      ? { params: Object.entries(spec.params).map(([name, value]) => ({ name, value })) }
      : {},
  }),
  fromStored: ({ spec, ...object }) => {
    // The API server converts what is written before it looks at its form.
    const given = (Array.isArray(spec?.params) ? spec.params : []) as unknown[];
    const texts = given.filter(isTextParam);
    const params = Object.fromEntries(texts.map(({ name, value }) => [name, value]));
    return { ...object, spec: texts.length === 0 ? {} : { params } };
  },
};

function isTextParam(param: unknown): param is { name: string; value: string } {
  return isJsonObject(param) && typeof param['name'] === 'string' && typeof param['value'] === 'string';
}
