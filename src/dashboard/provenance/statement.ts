import type { Attestation } from '../contract.ts';
import { cut } from '../runs/cut.ts';
import { fieldsOf } from '../../json-object.ts';

/** What people read of a statement. */
export type StatementParts = Pick<
  Attestation,
  'predicateType' | 'builder' | 'subjects' | 'materials' | 'parameters'
> & {
  /** Of which run it is, where it says so. */
  invocation: string | undefined;
};

const MOST_ITEMS = 500;
const LONGEST = 1_000;

type Unknown = Readonly<Record<string, unknown>>;

/** Reads SLSA v0.2 and v1.0. Whatever else is there, nothing of it is believed to have a form. */
export function partsOf(statement: unknown): StatementParts {
  const { predicateType, predicate, subject } = fieldsOf(statement);
  const { buildDefinition, runDetails, builder, materials, invocation } = fieldsOf(predicate);
  const { externalParameters, resolvedDependencies } = fieldsOf(buildDefinition);
  const details = fieldsOf(runDetails);
  const metadata = fieldsOf(details['metadata']);
  const who = textOf(fieldsOf(details['builder'] ?? builder)['id']);
  const ran = textOf(metadata['invocationId'] ?? metadata['invocationID']);
  return {
    predicateType: textOf(predicateType),
    ...(who === '' ? {} : { builder: who }),
    subjects: listOf(subject).map(({ name, digest }) => ({ name: textOf(name), digest: digestOf(digest) })),
    materials: listOf(resolvedDependencies ?? materials).map(({ uri, digest }) => ({
      uri: textOf(uri),
      digest: digestOf(digest),
    })),
    parameters: { ...fieldsOf(externalParameters ?? fieldsOf(invocation)['parameters']) },
    invocation: ran === '' ? undefined : ran,
  };
}

function listOf(value: unknown): Unknown[] {
  return (Array.isArray(value) ? value : []).slice(0, MOST_ITEMS).map(fieldsOf);
}

function textOf(value: unknown): string {
  return cut(value, LONGEST);
}

/** `sha256:...` of a digest set; the first when there are several. */
function digestOf(value: unknown): string {
  const [first] = Object.entries(fieldsOf(value));
  return first === undefined ? '' : `${cut(first[0], 40)}:${textOf(first[1])}`;
}
