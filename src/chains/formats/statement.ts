import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { DigestSet } from '../artifacts/digest.ts';
import { imageOfSubject } from '../artifacts/image.ts';
import type { Report } from '../artifacts/hints.ts';
import type { DigestedThing } from '../artifacts/merge.ts';
import { inTotoPayloadType, type FormatSettings, type ImageSubject, type Payload, type RunObject } from '../types.ts';
import { sortedJson } from '../../core/digest/canonical-json.ts';
import type { ExecutedTask } from './runs.ts';

/** What a statement is written from. */
export interface StatementSource {
  run: RunObject;
  /** Of a PipelineRun: its tasks with what they made. */
  tasks: readonly ExecutedTask[];
  /** Of a TaskRun: those before it in its pipeline. */
  earlier: readonly TaskRun[];
  settings: FormatSettings;
  /** Takes hints in results that cannot be used. */
  report: Report;
}

/** in-toto ResourceDescriptor, fields in the order of its protobuf message. Empty ones are left out. */
export interface ResourceDescriptor {
  name?: string;
  uri?: string;
  digest?: DigestSet;
  /** base64 */
  content?: string;
  mediaType?: string;
}

export interface Statement {
  _type: 'https://in-toto.io/Statement/v0.1' | 'https://in-toto.io/Statement/v1';
  subject: DigestedThing[];
  predicateType: 'https://slsa.dev/provenance/v0.2' | 'https://slsa.dev/provenance/v1';
  predicate: Record<string, unknown>;
}

/**
 * The bytes of a statement as protojson lays it out: fields in the order of the message, those of the predicate sorted,
 * empty ones left out (no `subject` at all without subjects). Upstream's white space is random by design, ours is none.
 */
export function statementPayload(statement: Statement): Payload {
  const subject = statement.subject.map(
    ({ name, digest }) => `{${name === '' ? '' : `"name":${sortedJson(name)},`}"digest":${sortedJson(digest)}}`,
  );
  const fields = [
    `"_type":${sortedJson(statement._type)}`,
    ...(subject.length === 0 ? [] : [`"subject":[${subject.join(',')}]`]),
    `"predicateType":${sortedJson(statement.predicateType)}`,
    `"predicate":${sortedJson(statement.predicate)}`,
  ];
  return {
    json: Buffer.from(`{${fields.join(',')}}`, 'utf8'),
    payloadType: inTotoPayloadType,
    predicateType: statement.predicateType,
    wrap: true,
    subjects: imagesAmong(statement.subject),
  };
}

function imagesAmong(subjects: readonly DigestedThing[]): ImageSubject[] {
  const images = subjects.flatMap(({ name, digest }) => imageOfSubject(name, digest) ?? []);
  return [...new Map(images.map((image) => [`${image.repository}@${image.digest}`, image])).values()];
}

/** A descriptor without its empty fields, as protojson has it. */
export function descriptor(fields: ResourceDescriptor): ResourceDescriptor {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        value !== undefined &&
        value !== '' &&
        (typeof value === 'string' || Object.keys(value as DigestSet).length > 0),
    ),
  );
}
