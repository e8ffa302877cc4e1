import { useEffect, useState, type ReactNode } from 'react';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import type { Attestation, RunProvenance } from '../../contract.ts';
import { cosignCommands, imagesIn, imagesOf } from '../../view/cosign.ts';
import { pathOf, readJson, textOf } from '../api/request.ts';
import { Problem } from '../parts/problem.tsx';
import { Text } from '../parts/text.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import type { RunName } from './use-run.ts';

/** What Chains signed of this run, verified by the server while one waits. */
export default function ProvenanceTab({ name, run }: { name: RunName; run: PipelineRun | TaskRun }): ReactNode {
  const { kind, namespace, name: runName } = name;
  const [provenance, setProvenance] = useState<RunProvenance>();
  const [problem, setProblem] = useState<string>();
  const { 'chains.tekton.dev/signed': mark, 'chains.tekton.dev/transparency': log } = run.metadata.annotations ?? {};
  useEffect(() => {
    const gone = new AbortController();
    readJson<RunProvenance>(`${pathOf('v1/runs', namespace, runName, 'provenance')}?kind=${kind}`, gone.signal).then(
      (read) => {
        setProvenance(read);
        setProblem(undefined);
      },
      (error: unknown) => gone.signal.aborted || setProblem(textOf(error)),
    );
    return () => gone.abort();
  }, [kind, namespace, runName, mark]);
  if (problem !== undefined) return <Problem title="The provenance of this run cannot be read" text={problem} />;
  if (provenance === undefined) return <p className="empty">The server reads and verifies...</p>;
  const known = new Set(
    provenance.attestations.flatMap(imagesIn).map(({ name: image, digest }) => `${image}@${digest}`),
  );
  const images = imagesOf(run.status?.results ?? []);
  const others = images.filter(({ name: image, digest }) => !known.has(`${image}@${digest}`));
  return (
    <TabBody label="Provenance">
      <section>
        <h2>{signedWords[provenance.signed]}</h2>
        {provenance.problems.map((text) => (
          <p key={text} className="note">
            <Text of={text} />
          </p>
        ))}
      </section>
      {provenance.attestations.map((attestation) => (
        <Statement key={attestation.from} attestation={attestation} />
      ))}
      {others.length > 0 && (
        <section>
          <h2>Images by the run&apos;s results</h2>
          <p className="muted">Whether a registry holds signed provenance of them, cosign says:</p>
          <Commands commands={cosignCommands(others, log === undefined ? {} : { log })} />
        </section>
      )}
    </TabBody>
  );
}

const signedWords: Readonly<Record<RunProvenance['signed'], string>> = {
  yes: 'Chains says that it signed this run',
  failed: 'Chains could not sign all of this run',
  no: 'This run is not signed',
};

function Statement({ attestation }: { attestation: Attestation }): ReactNode {
  const { verification, predicateType, builder, subjects, materials, parameters, transparencyLog, from } = attestation;
  const log = transparencyLog?.url;
  const commands = cosignCommands(imagesIn(attestation), { predicateType, ...(log === undefined ? {} : { log }) });
  return (
    <section className="statement">
      <p className={verification.verified ? 'verdict good' : 'verdict bad'}>
        <Text
          of={
            verification.verified
              ? `Verified just now by the server, against ${verification.against}`
              : `Not verified: ${verification.why}`
          }
        />
      </p>
      <dl className="values">
        <Pair name="Kept in" value={from} />
        <Pair name="Statement" value={predicateType} />
        {builder !== undefined && <Pair name="Builder" value={builder} />}
        {transparencyLog !== undefined && (
          <div>
            <dt>Transparency log</dt>
            <dd>
              <a href={transparencyLog.url} target="_blank" rel="noopener noreferrer">
                <Text of={transparencyLog.index === '' ? transparencyLog.url : `entry ${transparencyLog.index}`} />
              </a>
            </dd>
          </div>
        )}
      </dl>
      <Digests
        title="What it is about"
        rows={subjects.map(({ name, digest }) => [name, digest])}
        none="It names no subject."
      />
      <Digests
        title="What it was made from"
        rows={materials.map(({ uri, digest }) => [uri, digest])}
        none="It names no material."
      />
      <h3>Params</h3>
      <pre className="yaml" tabIndex={0}>
        <Text of={JSON.stringify(parameters, undefined, 2)} most={50_000} />
      </pre>
      {commands.length > 0 && (
        <>
          <h3>Verify it yourself</h3>
          <Commands commands={commands} />
        </>
      )}
      <details>
        <summary>The statement as it was signed</summary>
        <pre className="yaml" tabIndex={0}>
          <Text of={JSON.stringify(attestation.statement, undefined, 2)} most={200_000} />
        </pre>
      </details>
    </section>
  );
}

function Pair({ name, value }: { name: string; value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Text of={value} />
      </dd>
    </div>
  );
}

function Digests({ title, rows, none }: { title: string; rows: readonly [string, string][]; none: string }): ReactNode {
  return (
    <>
      <h3>{title}</h3>
      {rows.length === 0 && <p className="muted">{none}</p>}
      <ul className="digests">
        {rows.map(([name, digest], at) => (
          <li key={at}>
            <Text of={name} />
            <code className="muted">
              <Text of={digest} />
            </code>
          </li>
        ))}
      </ul>
    </>
  );
}

function Commands({ commands }: { commands: readonly string[] }): ReactNode {
  return commands.map((command) => (
    <pre key={command} className="command" tabIndex={0}>
      {command}
    </pre>
  ));
}
