import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ArtifactRun, BuiltImage, Signed } from '../../contract.ts';
import { attestedText, logOf, shortDigest } from '../../view/artifacts.ts';
import { Text } from '../parts/text.tsx';
import { Ago, useNow } from '../parts/time.tsx';
import { runHref } from '../run/address.ts';

const words: Readonly<Record<Signed, string>> = { yes: 'signed', failed: 'signing failed', no: 'not signed' };

export function ImageTable({ images, children }: { images: readonly BuiltImage[]; children: ReactNode }): ReactNode {
  const now = useNow(20_000);
  return (
    <div className="object-list" role="region" aria-label="Images" tabIndex={0}>
      <table className="objects images">
        <thead>
          <tr>
            <th scope="col">Image</th>
            <th scope="col">Made by</th>
            <th scope="col">Signed</th>
            <th scope="col">Attested</th>
            <th scope="col">Made</th>
          </tr>
        </thead>
        <tbody>
          {images.map((image) => (
            <Row key={`${image.name}@${image.digest}`} image={image} now={now} />
          ))}
        </tbody>
      </table>
      {children}
    </div>
  );
}

function Row({
  image: { name, digest, runs, moreRuns, signed, at },
  now,
}: {
  image: BuiltImage;
  now: number;
}): ReactNode {
  return (
    <tr>
      <th scope="row">
        <span className="image-name">
          <Text of={name} most={400} />
        </span>
        <code className="muted" title={digest}>
          <Text of={shortDigest(digest)} most={100} />
        </code>
      </th>
      <td>
        <ul>
          {runs.map((run) => (
            <li key={`${run.kind}/${run.namespace}/${run.name}`}>
              <Maker run={run} />
            </li>
          ))}
        </ul>
        {moreRuns > 0 && <span className="muted">and {moreRuns.toLocaleString('en')} more runs</span>}
      </td>
      <td>
        <span className={signed === 'failed' ? 'badge bad' : signed === 'yes' ? 'badge' : 'muted'}>
          {words[signed]}
        </span>
      </td>
      <td>
        <Attested runs={runs} />
      </td>
      <td className="muted">
        <Ago time={at} now={now} />
      </td>
    </tr>
  );
}

function Maker({ run }: { run: ArtifactRun }): ReactNode {
  const { kind, namespace, name, definition } = run;
  return (
    <>
      <Link href={runHref({ kind, namespace, name })}>
        <Text of={name} most={253} />
      </Link>
      <span className="muted">
        {' '}
        {kind === 'TaskRun' ? 'task ' : ''}
        {definition !== undefined && (
          <>
            <Text of={definition} most={253} />{' '}
          </>
        )}
        in <Text of={namespace} most={63} />
      </span>
    </>
  );
}

const classes = { verified: 'attested good', unverified: 'attested bad', none: 'attested muted' } as const;
const paths = { verified: 'M4 8.5 7 11.5 12.5 5', unverified: 'M5 5l6 6M11 5l-6 6', none: 'M5 8h6' } as const;

/** Whether there is a statement of where it comes from that can be believed: icon, word and colour. */
function Attested({ runs }: { runs: readonly ArtifactRun[] }): ReactNode {
  const { kind, word, text, run } = attestedText(runs);
  const log = logOf(runs);
  return (
    <>
      <span className={classes[kind]}>
        <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="7" className="icon-ground" />
          <path d={paths[kind]} className="icon-line" />
        </svg>
        {run === undefined ? word : <Link href={runHref(run, 'provenance')}>{word}</Link>}
      </span>
      {text !== '' && (
        <span className="muted">
          <Text of={text} most={700} />
        </span>
      )}
      {log !== undefined && (
        <a href={log} target="_blank" rel="noopener noreferrer" className="attested-log">
          entry in the transparency log
        </a>
      )}
    </>
  );
}
