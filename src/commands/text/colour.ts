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
  plain: '',
};

const RED = 31;
const BRIGHT = { red: 91, green: 92, yellow: 93, blue: 94, magenta: 95, cyan: 96 } as const;
const STATUS: Readonly<Record<string, number>> = {
  Failed: BRIGHT.red,
  Succeeded: BRIGHT.green,
  Running: BRIGHT.blue,
  Cancelled: BRIGHT.yellow,
  Completed: BRIGHT.magenta,
  Pending: BRIGHT.yellow,
  Started: BRIGHT.cyan,
};
/** Red is kept for errors. */
const PALETTE = [BRIGHT.green, BRIGHT.yellow, BRIGHT.blue, BRIGHT.magenta, BRIGHT.cyan];

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
    bold: (text) => paint([1], text),
    heading: (kind, text) => EMOJIS[kind] + paint([4, 1], text),
    bullet: (text) => `∙ ${text}`,
    status: (word) => (STATUS[word] === undefined ? word : paint([STATUS[word]], word)),
    error: (text) => paint([RED], text),
    rainbow(label, text) {
      const index = labels.get(label) ?? labels.size;
      labels.set(label, index);
      return paint([PALETTE[index % PALETTE.length] ?? BRIGHT.green, 1], text);
    },
  };
}

function paint(codes: number[], text: string): string {
  return `\u001b[${codes.join(';')}m${text}\u001b[0m`;
}
