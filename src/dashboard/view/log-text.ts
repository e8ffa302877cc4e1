import Anser from 'anser';
import { shown } from './shown.ts';

/** A piece of a line that looks alike throughout. */
export interface TextPiece {
  text: string;
  /** Names of styles: `ansi-red`, `on-ansi-blue`, `bold`. Colours of 256 and of 16 million are given as they are. */
  styles: readonly string[];
  colour?: string;
  background?: string;
  /** Where the text is an address itself. */
  link?: string;
}

/** What a line says of itself, as GitHub's runners read it: `::error file=a.ts,line=3::text`. */
export interface LineCommand {
  level: 'group' | 'endgroup' | 'error' | 'warning' | 'notice' | 'debug';
  /** `a.ts:3` */
  place?: string;
  text: string;
}

const COMMAND = /^::(group|endgroup|error|warning|notice|debug)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/s;
/** Operating system commands (titles, links), and whatever else a terminal acts on, but for colours. */
const OTHER_SEQUENCES =
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[PX^_][^\u001b]*\u001b\\|\u001b\[[0-9;:?<=>]*[ -/]*[@-ln-~]|\u001b[ -/]*[0-Z\\^-~]/g;
const COLOURS = /\u001b\[[\d;:]*m/g;
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028-\u202e\u2060-\u2069]+/g;
const MOST_PIECES = 500;

/** Reads a line that is a command; undefined for all others. */
export function commandOf(line: string): LineCommand | undefined {
  const [, level, properties = '', text = ''] = COMMAND.exec(line) ?? [];
  if (level === undefined) return undefined;
  const named = new Map(properties.split(',').map((pair) => pair.split('=', 2) as [string, string | undefined]));
  const place = [named.get('file'), named.get('line')].filter(Boolean).join(':');
  return { level: level as LineCommand['level'], ...(place === '' ? {} : { place }), text };
}

/** A line without what only a terminal reads. */
export function plainText(line: string): string {
  return lastOverwrite(line).replaceAll(OTHER_SEQUENCES, '').replaceAll(COLOURS, '');
}

/** A line in pieces for the eye: colours kept, all else that a terminal would act on taken out or made visible. */
export function piecesOf(line: string): TextPiece[] {
  const text = lastOverwrite(line).replaceAll(OTHER_SEQUENCES, '');
  const entries = Anser.ansiToJson(text, { json: true, use_classes: true, remove_empty: true });
  const pieces = entries
    .slice(0, MOST_PIECES)
    .flatMap(({ content, fg, bg, fg_truecolor, bg_truecolor, decorations }) => {
      const styles = [
        ...(named(fg) ? [fg] : []),
        ...(named(bg) ? [`on-${bg}`] : []),
        ...decorations.filter((decoration) => decoration !== 'blink' && decoration !== 'hidden'),
      ];
      const [colour, background] = [colourOf(fg, fg_truecolor), colourOf(bg, bg_truecolor)];
      const style = { styles, ...(colour ? { colour } : {}), ...(background ? { background } : {}) };
      return linked(content).map((part) => ({ ...style, ...part, text: shown(part.text) }));
    });
  const left = entries.length - MOST_PIECES;
  return left > 0 ? [...pieces, { text: ` ... and ${left} more changes of colour`, styles: [] }] : pieces;
}

/** A carriage return has a terminal write over the line: what was written last is what stays to be seen. */
function lastOverwrite(line: string): string {
  const at = line.replace(/\r+$/, '').lastIndexOf('\r');
  return at < 0 ? line : line.slice(at + 1);
}

function named(colour: string | null): colour is string {
  return colour !== null && /^ansi-(?:bright-)?[a-z]+$/.test(colour) && colour !== 'ansi-truecolor';
}

/** `rgb(1, 2, 3)` of a colour that has no name. */
function colourOf(name: string | null, triple: string | null): string | undefined {
  if (name === null) return undefined;
  if (name === 'ansi-truecolor') return /^\d{1,3}, \d{1,3}, \d{1,3}$/.test(triple ?? '') ? `rgb(${triple})` : undefined;
  const index = /^ansi-palette-(\d{1,3})$/.exec(name)?.[1];
  return index === undefined ? undefined : paletteColour(Number(index));
}

/** xterm's 256 colours: a cube of six levels, then greys. */
function paletteColour(index: number): string | undefined {
  if (index < 16 || index > 255) return undefined;
  if (index >= 232) return `rgb(${[0, 0, 0].map(() => 8 + (index - 232) * 10).join(', ')})`;
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6) % 6)}, ${level(cube % 6)})`;
}

function linked(text: string): { text: string; link?: string }[] {
  const parts: { text: string; link?: string }[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    // A sentence may go on behind an address.
    const link = match[0].replace(/[.,;:!?)\]}]+$/, '');
    if (!URL.canParse(link)) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: link, link });
    from = match.index + link.length;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from) });
  return parts;
}
