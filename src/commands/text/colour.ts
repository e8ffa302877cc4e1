import { styleText } from 'node:util';

/**
 * Colours and emojis of a terminal that wants them; plain text otherwise, as tkn does with --no-color or without a
 * terminal.
 */
export interface Style {
  readonly colour: boolean;
  bold(text: string): string;
  /** A section's heading with the emoji of its kind. */
  heading(kind: Heading, text: string): string;
  /** A name in a list. */
  bullet(text: string): string;
  /** A status word in its colour ("Failed" red, ...); other words stay plain. */
  status(word: string): string;
  error(text: string): string;
  /** The same colour for the same label, another for the next label. */
  rainbow(label: string, text: string): string;
}

export type Heading =
  | 'status'
  | 'message'
  | 'timeouts'
  | 'params'
  | 'results'
  | 'workspaces'
  | 'taskruns'
  | 'pipelineruns'
  | 'skippedtasks'
  | 'tasks'
  | 'steps'
  | 'sidecars'
  | 'resources'
  | 'plain';

const EMOJIS: Record<Heading, string> = {
  status: '🌡️  ',
  message: '💌 ',
  timeouts: '⏱  ',
  params: '⚓ ',
  results: '📝 ',
  workspaces: '📂 ',
  taskruns: '🗂  ',
  pipelineruns: '⛩  ',
  skippedtasks: '⏭️  ',
  tasks: '🗒  ',
  steps: '🦶 ',
  sidecars: '🚗 ',
  resources: '📦 ',
  plain: '',
};

type Colour = 'redBright' | 'greenBright' | 'yellowBright' | 'blueBright' | 'magentaBright' | 'cyanBright';

const STATUS: Readonly<Record<string, Colour>> = {
  Failed: 'redBright',
  Succeeded: 'greenBright',
  Running: 'blueBright',
  Cancelled: 'yellowBright',
  Completed: 'magentaBright',
  Pending: 'yellowBright',
  Started: 'cyanBright',
};
/** Red is kept for errors. */
const PALETTE: readonly Colour[] = ['greenBright', 'yellowBright', 'blueBright', 'magentaBright', 'cyanBright'];

export function styleOf(colour: boolean): Style {
  return colour ? coloured() : plain;
}

const plain: Style = {
  colour: false,
  bold: (text) => text,
  heading: (_kind, text) => text,
  bullet: (text) => text,
  status: (word) => word,
  error: (text) => text,
  rainbow: (_label, text) => text,
};

function coloured(): Style {
  const labels = new Map<string, number>();
  return {
    colour: true,
    bold: (text) => paint('bold', text),
    heading: (kind, text) => EMOJIS[kind] + paint(['underline', 'bold'], text),
    bullet: (text) => `∙ ${text}`,
    status: (word) => (STATUS[word] === undefined ? word : paint(STATUS[word], word)),
    error: (text) => paint('red', text),
    rainbow(label, text) {
      const index = labels.get(label) ?? labels.size;
      labels.set(label, index);
      return paint([PALETTE[index % PALETTE.length] ?? 'greenBright', 'bold'], text);
    },
  };
}

/** Whether colours are wanted was decided before; `styleText` would ask the terminal again. */
function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { validateStream: false });
}
