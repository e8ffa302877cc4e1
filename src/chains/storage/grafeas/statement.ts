/** The parts of a statement that Container Analysis has fields for; the rest is only in the envelope. */
interface Statement {
  _type: string;
  subject?: { name?: string; digest?: Record<string, string> }[];
  predicateType: string;
  predicate?: Record<string, unknown>;
}

export function parseStatement(json: Uint8Array): Statement {
  return JSON.parse(Buffer.from(json).toString('utf8')) as Statement;
}

/** What a statement is about, as occurrences name resources: `name@alg:hex`, once for each digest. */
export function resourceUris({ subject = [] }: Statement): string[] {
  return [
    ...new Set(
      subject.flatMap(({ name = '', digest = {} }) =>
        Object.entries(digest).map(([algorithm, hex]) => `${name}@${algorithm}:${hex}`),
      ),
    ),
  ];
}

/**
 * The statement as details of a BUILD occurrence (grafeas.v1.BuildOccurrence as JSON): SLSA v0.2 as intotoStatement, as
 * upstream. For SLSA v1.0 the API has a field of its own; upstream reads it as v0.2, which leaves hardly anything.
 */
export function buildOccurrence(statement: Statement): Record<string, unknown> {
  const { _type, subject = [], predicateType, predicate = {} } = statement;
  const head = { _type, subject: subject.map(({ name, digest }) => ({ name, digest })), predicateType };
  if (predicateType === 'https://slsa.dev/provenance/v1')
    return { inTotoSlsaProvenanceV1: { ...head, predicate: v1Predicate(predicate) } };
  return { intotoStatement: { ...head, slsaProvenanceZeroTwo: zeroTwoPredicate(predicate) } };
}

/** Only the fields that the API knows: it refuses a request with another one. */
function only(value: unknown, ...names: string[]): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter(([name, inner]) => names.includes(name) && inner !== null && inner !== undefined),
  );
}

function each(
  value: unknown,
  convert: (item: unknown) => Record<string, unknown> | undefined,
): Record<string, unknown>[] | undefined {
  return Array.isArray(value) ? value.map(convert).filter((item) => item !== undefined) : undefined;
}

function zeroTwoPredicate({
  builder,
  buildType,
  invocation,
  buildConfig,
  metadata,
  materials,
}: Record<string, unknown>) {
  const { configSource, ...call } = only(invocation, 'configSource', 'parameters', 'environment') ?? {};
  const { completeness, ...times } =
    only(metadata, 'buildInvocationId', 'buildStartedOn', 'buildFinishedOn', 'completeness', 'reproducible') ?? {};
  return {
    builder: only(builder, 'id'),
    buildType,
    invocation: { ...call, configSource: only(configSource, 'uri', 'digest', 'entryPoint') },
    buildConfig: buildConfig ?? undefined,
    metadata: { ...times, completeness: only(completeness, 'parameters', 'environment', 'materials') },
    materials: each(materials, (material) => only(material, 'uri', 'digest')),
  };
}

function v1Predicate({ buildDefinition, runDetails }: Record<string, unknown>) {
  const { resolvedDependencies, ...definition } =
    only(buildDefinition, 'buildType', 'externalParameters', 'internalParameters', 'resolvedDependencies') ?? {};
  const { builder, metadata, byproducts } = only(runDetails, 'builder', 'metadata', 'byproducts') ?? {};
  const descriptor = (value: unknown) =>
    only(value, 'name', 'uri', 'digest', 'content', 'downloadLocation', 'mediaType', 'annotations');
  return {
    buildDefinition: { ...definition, resolvedDependencies: each(resolvedDependencies, descriptor) },
    runDetails: {
      builder: only(builder, 'id', 'version'),
      metadata: only(metadata, 'invocationId', 'startedOn', 'finishedOn'),
      byproducts: each(byproducts, descriptor),
    },
  };
}
