import type { KindVersion } from '../api/kind.ts';
import { kinds } from '../api/kinds.ts';
import { messageOf } from '../errors.ts';
import type { KubeObject } from '../resource.ts';
import { readReview, ReviewError } from './admission/review.ts';

/** apiextensions.k8s.io/v1 ConversionRequest. */
interface ConversionRequest {
  uid: string;
  desiredAPIVersion: string;
  objects: KubeObject[];
}

/**
 * Answers a ConversionReview (/resource-conversion): all of its objects or none, as the API server wants it.
 * @throws ReviewError for a body that is no ConversionReview.
 */
export function convertReview(body: string): object {
  const request = readReview(body, 'ConversionReview')['request'] as Partial<ConversionRequest> | undefined;
  if (
    typeof request?.uid !== 'string' ||
    typeof request.desiredAPIVersion !== 'string' ||
    !Array.isArray(request.objects)
  )
    throw new ReviewError('the ConversionReview has no request with uid, desiredAPIVersion and objects');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    response: { uid: request.uid, ...converted(request as ConversionRequest) },
  };
}

function converted({ desiredAPIVersion, objects }: ConversionRequest): object {
  try {
    const convertedObjects = objects.map((object) => convertObject(object, desiredAPIVersion));
    return { convertedObjects, result: { status: 'Success' } };
  } catch (error) {
    if (!(error instanceof ReviewError)) throw error;
    return { convertedObjects: [], result: { status: 'Failure', message: messageOf(error) } };
  }
}

/** The object in another version of its kind, through the stored one. @throws ReviewError for an unknown version. */
export function convertObject(object: KubeObject, apiVersion: string): KubeObject {
  if (object.apiVersion === apiVersion) return object;
  const [group = '', wanted = ''] = apiVersion.split('/');
  const kind = kinds.find((each) => each.group === group && each.kind === object.kind);
  const versionOf = (name: string | undefined): KindVersion => {
    const version = kind?.versions.find((each) => `${group}/${each.name}` === name);
    if (version === undefined)
      throw new ReviewError(`no conversion of ${object.kind} ${object.apiVersion} to ${apiVersion}`);
    return version;
  };
  const from = versionOf(object.apiVersion);
  const to = versionOf(`${group}/${wanted}`);
  const stored = from.convert ? from.convert.toStored(object) : object;
  const result = to.convert ? to.convert.fromStored(stored) : stored;
  return { ...result, apiVersion };
}
