import { messageOf } from '../../errors.ts';
import { pods } from '../../kube/resources.ts';
import { command, CommandError, namesInTurn, type Command, type Context } from '../command.ts';
import { whole } from '../flags.ts';
import { eventListenerKind } from './kind.ts';

const container = 'event-listener';

/** `eventlistener logs`: the last lines of each of a listener's pods. */
export const listenerLogs: Command = command({
  names: ['logs'],
  summary: 'Show EventListener logs',
  usage: 'NAME',
  examples: "Show the last 2 lines of every pod of EventListener 'foo':\n\n    tektite eventlistener logs foo -t 2",
  arguments: { least: 1, most: 1 },
  offers: namesInTurn(eventListenerKind.resource),
  flags: {
    tail: whole('Number of most recent log lines to show. Specify -1 for all logs from each pod.', {
      short: 't',
      initial: 10,
    }),
  },
  async run(context, { tail }, [name = '']) {
    const { cluster, namespace, signal, terminal } = context;
    if (tail <= 0 && tail !== -1) throw new CommandError('tail cannot be 0 or less than 0 unless -1 for all pods');
    await cluster.get(eventListenerKind.resource, namespace, name, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new CommandError(`failed to get EventListener ${name}: ${messageOf(error)}`);
    });
    const { items } = await cluster.list(pods, { namespace, labelSelector: `eventlistener=${name}`, signal });
    if (items.length === 0) terminal.out(`No pods available for EventListener ${name}\n`);
    for (const { metadata } of items) await printPod(context, name, metadata.name ?? '', tail);
    return 0;
  },
});

async function printPod(context: Context, listener: string, pod: string, tail: number): Promise<void> {
  const { cluster, namespace, signal, terminal } = context;
  const tailLines = tail === -1 ? {} : { tailLines: tail };
  const decoder = new TextDecoder();
  let rest = '';
  terminal.out('\n');
  for await (const chunk of cluster.podLogs(namespace, pod, {
    container,
    follow: false,
    timestamps: false,
    ...tailLines,
    signal,
  })) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) terminal.out(`[${listener}-${pod}]: ${line}\n`);
    await terminal.drained?.(signal);
  }
  if (rest !== '') terminal.out(`[${listener}-${pod}]: ${rest}\n`);
}
