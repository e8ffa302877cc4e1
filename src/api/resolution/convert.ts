import type { Conversion } from '../kind.ts';
import type { ResolutionRequest, ResolutionRequestV1alpha1 } from './resolution-request.ts';

/**
 * v1alpha1 has params as an object of texts. What it cannot say (lists, objects, the url) is left out of what it shows;
 * resolvers of v1alpha1 write the status only, which does not touch the spec.
 */
export const resolutionRequestConversion: Conversion<ResolutionRequestV1alpha1, ResolutionRequest> = {
  toStored: ({ spec, ...object }) => ({
    ...object,
    spec: spec?.params ? { params: Object.entries(spec.params).map(([name, value]) => ({ name, value })) } : {},
  }),
  fromStored: ({ spec, ...object }) => {
    const texts = (spec?.params ?? []).filter(({ value }) => typeof value === 'string');
    const params = Object.fromEntries(texts.map(({ name, value }) => [name, value as string]));
    return { ...object, spec: texts.length === 0 ? {} : { params } };
  },
};
