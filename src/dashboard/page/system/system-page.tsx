import { useEffect, type ReactNode } from 'react';
import type { Finding, SystemReport, Unread } from '../../contract.ts';
import { useAnswer } from '../api/use-answer.ts';
import { useProperties } from '../api/use-properties.ts';
import { Problem } from '../parts/problem.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { Ago, useNow } from '../parts/time.tsx';
import { Certificates, Leases, Queues, Roles, Served, Settings } from './system-tables.tsx';
import '../style/run.css';
import '../style/objects.css';
import '../style/fleet.css';

const EVERY_MS = 15_000;

/** How the installation is, as far as whoever looks may see it: what `tektite doctor` says. */
export default function SystemPage(): ReactNode {
  useEffect(() => void (document.title = 'System - Tektite'), []);
  const { value, problem } = useAnswer<SystemReport>('v1/system', { everyMs: EVERY_MS });
  return (
    <main className="run">
      <header className="run-header">
        <div className="run-title">
          <h1>System</h1>
        </div>
        {value !== undefined && <Facts report={value} />}
      </header>
      <TabBody label="System">
        {problem !== undefined && <Problem title="The installation cannot be looked at" text={problem} />}
        {value === undefined && problem === undefined && <p className="muted">Loading...</p>}
        {value !== undefined && <Report report={value} />}
      </TabBody>
    </main>
  );
}

function Facts({ report: { readAt, kubernetes } }: { report: SystemReport }): ReactNode {
  const now = useNow(1_000);
  const version = useProperties()?.dashboardVersion;
  return (
    <ul className="facts muted">
      {version !== undefined && (
        <li>
          dashboard <Text of={version} most={100} />
        </li>
      )}
      {kubernetes !== undefined && (
        <li>
          Kubernetes <Text of={kubernetes} most={100} />
        </li>
      )}
      <li>
        looked at <Ago time={readAt} now={now} />, with your rights; on a command line: <code>tektite doctor</code>
      </li>
    </ul>
  );
}

function Report({ report }: { report: SystemReport }): ReactNode {
  const { verdict, findings, unread, roles, leases, queues, certificates, served, settings } = report;
  const isBad = findings.some(({ severity }) => severity === 'problem');
  // Of what could not be looked at nothing good is said either.
  const isGood = findings.length === 0 && unread.length === 0;
  return (
    <>
      <section aria-label="What to look at">
        <p className={`verdict system-verdict ${isBad ? 'bad' : isGood ? 'good' : 'warn'}`}>
          <VerdictIcon isGood={isGood} />
          <Text of={verdict} />
        </p>
        <ul className="findings">
          {findings.map((finding, at) => (
            <Found key={at} finding={finding} />
          ))}
        </ul>
      </section>
      <Roles roles={roles} isUnread={isUnread(unread, 'deployments')} />
      <Leases leases={leases} isUnread={isUnread(unread, 'leases')} />
      <Queues queues={queues} isUnread={isUnread(unread, 'pods')} />
      <Certificates certificates={certificates} isUnread={isUnread(unread, 'webhookconfigurations')} />
      <Served served={served} isUnread={isUnread(unread, 'pods')} />
      <Settings settings={settings} isUnread={isUnread(unread, 'configmaps')} />
      {unread.length > 0 && <NotRead unread={unread} />}
    </>
  );
}

function isUnread(unread: readonly Unread[], resource: string): boolean {
  return unread.some(({ right }) => right.includes(resource));
}

function VerdictIcon({ isGood }: { isGood: boolean }): ReactNode {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="7" className="icon-ground" />
      <path d={isGood ? 'M4 8.5 7 11.5 12.5 5' : 'M8 4v5M8 11.5h.01'} className="icon-line" />
    </svg>
  );
}

function Found({ finding: { severity, about, text, remedy } }: { finding: Finding }): ReactNode {
  return (
    <li>
      <p>
        <span className={severity === 'problem' ? 'badge bad' : 'badge warn'}>{severity}</span>{' '}
        <strong>
          <Text of={about} most={600} />
        </strong>
        : <Text of={text} />
      </p>
      <p className="muted">
        <Text of={remedy} />
      </p>
    </li>
  );
}

function NotRead({ unread }: { unread: readonly Unread[] }): ReactNode {
  return (
    <section>
      <h2>Not looked at</h2>
      <p className="muted">The API server did not let you, or did not answer. The rest is shown all the same.</p>
      <ul className="declared">
        {unread.map(({ what, right, message }) => (
          <li key={right}>
            <p>
              <Text of={what} most={300} /> <span className="muted">takes the right to</span>{' '}
              <code>
                <Text of={right} most={400} />
              </code>
            </p>
            <p className="muted">
              <Text of={message} most={500} />
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
