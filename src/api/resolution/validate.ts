import { RE2JS } from 're2js';
import { messageOf } from '../../errors.ts';
import type { KubeObject } from '../../resource.ts';
import { each, invalidValue, missingField, missingOneOf, multipleOneOf, via, type FieldError } from '../fielderror.ts';
import { validateObjectName } from '../pipeline/v1/validation.ts';
import { resolverTypeLabel } from './resolution-request.ts';
import type { PolicyKey, VerificationPolicy } from './verification-policy.ts';

/** A request without a type has nobody to answer it. Upstream's path is `meta`. */
export function validateResolutionRequest({ metadata }: KubeObject): FieldError[] {
  return metadata.labels?.[resolverTypeLabel] ? [] : missingField(`meta.labels.${resolverTypeLabel}`);
}

const algorithms = ['', 'sha224', 'sha256', 'sha384', 'sha512'];

/** Upstream's rules and texts; an authority without a key, which upstream takes and then crashes on, is refused. */
export function validateVerificationPolicy({ metadata, spec }: VerificationPolicy): FieldError[] {
  const { resources = [], authorities = [], mode } = spec;
  return [
    ...validateObjectName(metadata),
    ...(resources.length === 0 ? missingField('resources') : []),
    ...resources.flatMap(({ pattern }) => validatePattern(pattern)),
    ...(authorities.length === 0 ? missingField('authorities') : []),
    ...each('authorities', authorities, ({ key }) => (key ? [] : missingField('key'))),
    ...authorities.flatMap(({ key }, index) => (key ? via(`key[${index}]`, validateKey(key)) : [])),
    ...(mode && mode !== 'enforce' && mode !== 'warn'
      ? invalidValue(`available values are: enforce, warn, but got: ${mode as string}`, 'mode')
      : []),
  ];
}

function validatePattern(pattern: string): FieldError[] {
  try {
    RE2JS.compile(pattern);
    return [];
  } catch (error) {
    return invalidValue(pattern, 'ResourcePattern', `resourcePattern cannot be compiled by regex: ${messageOf(error)}`);
  }
}

function validateKey({ data, secretRef, kms, hashAlgorithm }: PolicyKey): FieldError[] {
  const given = [data, secretRef, kms].filter(Boolean).length;
  const fields = ['data', 'kms', 'secretref'];
  return [
    ...(given === 0 ? missingOneOf(...fields) : given > 1 ? multipleOneOf(...fields) : []),
    ...(algorithms.includes((hashAlgorithm ?? '').toLowerCase())
      ? []
      : invalidValue(hashAlgorithm ?? '', 'HashAlgorithm')),
  ];
}
