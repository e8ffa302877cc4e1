import { judge } from '../doctor/judge.ts';
import { observe } from '../doctor/observe.ts';
import { usualPlaces } from '../doctor/places.ts';
import type { SystemReport } from '../doctor/report.ts';
import { command, CommandError, type Command } from './command.ts';
import { text } from './flags.ts';
import { age } from './text/age.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';

const outputs = ['', 'json'];
/** As a linter: something was found. */
const FOUND = 1;

/** What the dashboard's page /system shows, with the rights of whoever asks. */
export const doctorCommand: Command = command({
  names: ['doctor'],
  summary: 'Say what is wrong with an installation',
  usage: '',
  examples:
    'How the installation is, and what to do where it is not well; 1 is the exit status where there is a problem:\n\n    tektite doctor\n\nFor programs:\n\n    tektite doctor -o json',
  arguments: { least: 0, most: 0 },
  flags: {
    output: text('Output format: json', { short: 'o' }),
    'pipelines-namespace': text('where the controller is', { initial: usualPlaces.pipelines }),
    'triggers-namespace': text('where Triggers is (default: as the controller)'),
    'chains-namespace': text('where Chains is', { initial: usualPlaces.chains }),
    'resolvers-namespace': text('where the resolvers are', { initial: usualPlaces.resolvers }),
  },
  async run({ cluster, environment, terminal, style, signal }, flags) {
    if (!outputs.includes(flags.output))
      throw new CommandError(`--output is ${JSON.stringify(flags.output)}; give json, or leave it out`);
    const places = {
      pipelines: flags['pipelines-namespace'],
      triggers: flags['triggers-namespace'] || flags['pipelines-namespace'],
      chains: flags['chains-namespace'],
      resolvers: flags['resolvers-namespace'],
    };
    const read = (path: string, abort: AbortSignal) => cluster.raw('GET', path, { signal: abort, attempts: 1 });
    const now = environment.clock.now();
    const report = judge(await observe(places, read, signal), now);
    terminal.out(flags.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : reportText(report, now, style));
    return report.findings.some(({ severity }) => severity === 'problem') ? FOUND : 0;
  },
});

function reportText(report: SystemReport, now: Date, style: Style): string {
  const { verdict, kubernetes, findings, unread } = report;
  const found = findings.flatMap(({ severity, about, text: what, remedy }) => [
    `${style.error(severity)}: ${about}: ${what}`,
    `    ${remedy}`,
  ]);
  const missing = unread.flatMap(({ what, right, message }) => [
    `${what}: needs the right to ${right}`,
    `    ${message}`,
  ]);
  const lines = [
    ...(kubernetes === undefined ? [] : [`Kubernetes ${kubernetes}`, '']),
    ...tables(report, now, style),
    ...part('Not looked at', missing, style),
    ...part('Findings', found, style),
    verdict,
  ];
  return alignColumns(`${lines.join('\n')}\n`);
}

function tables(report: SystemReport, now: Date, style: Style): string[] {
  const { roles, leases, queues, certificates, served, settings } = report;
  const rows: [title: string, head: string, rows: string[]][] = [
    [
      'Roles',
      'NAME\tNAMESPACE\tREADY\tVERSION\tRESTARTS',
      roles.map(({ name, namespace, ready, wanted, version, pods }) => {
        const restarts = pods.reduce((sum, pod) => sum + pod.restarts, 0);
        return `${name}\t${namespace}\t${ready}/${wanted}\t${version || '---'}\t${restarts}`;
      }),
    ],
    [
      'Leases',
      'NAME\tNAMESPACE\tHELD\tRENEWED\tBY',
      leases.map(
        ({ name, namespace, held, buckets, renewed, holders }) =>
          `${name}\t${namespace}\t${held}/${buckets}\t${age(renewed, now)}\t${holders.join(', ') || '---'}`,
      ),
    ],
    [
      'Work queues',
      'NAME\tWAITING\tLONGEST\tPOD',
      queues.map(
        ({ name, depth, longestSeconds, namespace, pod }) =>
          `${name}\t${depth}\t${Math.round(longestSeconds)}s\t${namespace}/${pod}`,
      ),
    ],
    [
      'Certificates',
      'AUTHORITY\tMADE\tENDS\tTRUSTED FOR',
      certificates.map(
        ({ subject, notBefore, notAfter, webhooks }) =>
          `${subject}\t${age(notBefore, now)}\t${notAfter.slice(0, 10)}\t${webhooks.join(', ')}`,
      ),
    ],
    [
      'Served certificates',
      'POD\tMADE\tENDS',
      served.map(
        ({ namespace, pod, notBefore, notAfter }) =>
          `${namespace}/${pod}\t${age(notBefore, now)}\t${notAfter.slice(0, 10)}`,
      ),
    ],
    [
      'Settings',
      'CONFIGMAP\tKEYS SET\tWRONG',
      settings.map(({ namespace, name, set, problems }) => `${namespace}/${name}\t${set}\t${problems}`),
    ],
  ];
  return rows.flatMap(([title, head, lines]) => part(title, lines.length === 0 ? [] : [head, ...lines], style));
}

function part(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : [style.heading('plain', title), ...lines, ''];
}
