import type { ReactNode } from 'react';
import type {
  CertificateState,
  LeaseState,
  QueueState,
  RoleState,
  ServedState,
  SettingsState,
} from '../../contract.ts';
import { Text } from '../parts/text.tsx';
import { absolute, Ago, useNow } from '../parts/time.tsx';
import { spanText } from '../../view/span.ts';

interface SectionProps {
  title: string;
  heads: readonly string[];
  /** What is told in place of no rows. */
  none: string;
  rows: readonly ReactNode[];
}

function Section({ title, heads, none, rows }: SectionProps): ReactNode {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p className="muted">{none}</p>
      ) : (
        <table className="objects system">
          <thead>
            <tr>
              {heads.map((head) => (
                <th scope="col" key={head}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{rows}</tbody>
        </table>
      )}
    </section>
  );
}

function Named({ name, namespace }: { name: string; namespace: string }): ReactNode {
  return (
    <th scope="row">
      <Text of={name} most={253} />
      <span className="muted">
        <Text of={namespace} most={63} />
      </span>
    </th>
  );
}

const notRead = 'It could not be looked at: below is which right is missing.';

export function Roles({ roles, isUnread }: { roles: readonly RoleState[]; isUnread: boolean }): ReactNode {
  const now = useNow(20_000);
  return (
    <Section
      title="Roles"
      heads={['Role', 'Ready', 'Version', 'Pods']}
      none={isUnread ? notRead : 'There are none in these namespaces.'}
      rows={roles.map(({ namespace, name, wanted, ready, version, pods }) => (
        <tr key={`${namespace}/${name}`}>
          <Named name={name} namespace={namespace} />
          <td className={ready < wanted ? 'number bad' : 'number'}>
            {ready} of {wanted}
          </td>
          <td>
            <Text of={version} most={100} />
          </td>
          <td>
            <ul>
              {pods.map((pod) => (
                <li key={pod.name}>
                  <Text of={pod.name} most={253} />
                  <span className={pod.isReady ? 'muted' : 'bad'}>
                    {pod.isReady ? ', ready' : ', not ready'}
                    {pod.started !== '' && (
                      <>
                        , started <Ago time={pod.started} now={now} />
                      </>
                    )}
                    {pod.restarts > 0 && `, ${pod.restarts} restarts`}
                    {pod.node !== '' && (
                      <>
                        , on <Text of={pod.node} most={253} />
                      </>
                    )}
                  </span>
                </li>
              ))}
            </ul>
          </td>
        </tr>
      ))}
    />
  );
}

export function Leases({ leases, isUnread }: { leases: readonly LeaseState[]; isUnread: boolean }): ReactNode {
  const now = useNow(20_000);
  return (
    <Section
      title="Leases"
      heads={['Work', 'Held', 'By', 'Renewed']}
      none={isUnread ? notRead : 'No role has held one within a day.'}
      rows={leases.map(({ namespace, name, buckets, held, holders, renewed }) => (
        <tr key={`${namespace}/${name}`}>
          <Named name={name} namespace={namespace} />
          <td className={held < buckets ? 'number bad' : 'number'}>
            {held} of {buckets}
          </td>
          <td>
            {holders.length === 0 ? <span className="muted">nobody</span> : <Text of={holders.join(', ')} most={600} />}
          </td>
          <td className="muted">
            <Ago time={renewed} now={now} />
          </td>
        </tr>
      ))}
    />
  );
}

export function Queues({ queues, isUnread }: { queues: readonly QueueState[]; isUnread: boolean }): ReactNode {
  return (
    <Section
      title="Work queues"
      heads={['Queue', 'Waiting', 'Longest work', 'Pod']}
      none={isUnread ? notRead : 'No pod tells of any.'}
      rows={queues.map(({ namespace, pod, name, depth, longestSeconds }) => (
        <tr key={`${namespace}/${pod}/${name}`}>
          <Named name={name} namespace={namespace} />
          <td className="number">{depth.toLocaleString('en')}</td>
          <td className="number">{longestSeconds > 0 ? spanText(longestSeconds * 1000) : 'none'}</td>
          <td>
            <Text of={pod} most={253} />
          </td>
        </tr>
      ))}
    />
  );
}

interface CertificatesProps {
  certificates: readonly CertificateState[];
  isUnread: boolean;
}

export function Certificates({ certificates, isUnread }: CertificatesProps): ReactNode {
  const now = useNow(60_000);
  return (
    <Section
      title="Certificates"
      heads={['Authority', 'Made', 'Ends', 'Trusted for']}
      none={isUnread ? notRead : 'No webhook of the suite is called.'}
      rows={certificates.map(({ subject, webhooks, notBefore, notAfter }) => (
        <tr key={`${subject} ${notBefore}`}>
          <th scope="row">
            <Text of={subject} most={300} />
          </th>
          <td className="muted">
            <Ago time={notBefore} now={now} />
          </td>
          <td className="muted" title={absolute(notAfter)}>
            {remaining(notAfter, now)}
          </td>
          <td>
            <ul>
              {webhooks.map((name) => (
                <li key={name}>
                  <Text of={name} most={253} />
                </li>
              ))}
            </ul>
          </td>
        </tr>
      ))}
    />
  );
}

export function Served({ served, isUnread }: { served: readonly ServedState[]; isUnread: boolean }): ReactNode {
  const now = useNow(60_000);
  return (
    <Section
      title="Served certificates"
      heads={['Pod', 'Made', 'Ends']}
      none={isUnread ? notRead : 'No pod tells of any.'}
      rows={served.map(({ namespace, pod, notBefore, notAfter }) => (
        <tr key={`${namespace}/${pod}`}>
          <Named name={pod} namespace={namespace} />
          <td className="muted">
            <Ago time={notBefore} now={now} />
          </td>
          <td className="muted" title={absolute(notAfter)}>
            {remaining(notAfter, now)}
          </td>
        </tr>
      ))}
    />
  );
}

function remaining(time: string, now: number): string {
  const left = Date.parse(time) - now;
  return left > 0 ? `in ${spanText(left)}` : 'it has ended';
}

export function Settings({ settings, isUnread }: { settings: readonly SettingsState[]; isUnread: boolean }): ReactNode {
  return (
    <Section
      title="Settings"
      heads={['ConfigMap', 'Keys set', 'Wrong']}
      none={isUnread ? notRead : 'There are no ConfigMaps of the suite.'}
      rows={settings.map(({ namespace, name, set, problems }) => (
        <tr key={`${namespace}/${name}`}>
          <Named name={name} namespace={namespace} />
          <td className="number">{set}</td>
          <td className={problems > 0 ? 'number bad' : 'number muted'}>{problems > 0 ? problems : 'nothing'}</td>
        </tr>
      ))}
    />
  );
}
