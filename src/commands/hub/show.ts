import { alignColumns } from '../text/columns.ts';
import { printable } from '../text/printable.ts';
import type { Entry, HubType, Package } from './hub.ts';

const nothing = '---';
/** Characters of a description in a list. */
const shortDescription = 40;
const descriptionWidth = 80;
/** What stands before a description. */
const titleWidth = 16;

/** As `tkn hub search` prints it. */
export function searchTable(found: readonly Entry[], wide: boolean): string {
  if (found.length === 0) return 'No Resources found\n';
  const head = ['NAME', 'KIND', 'CATALOG', 'DESCRIPTION', ...(wide ? ['PLATFORMS', 'TAGS', 'CATEGORIES'] : [])];
  const rows = found.map((entry) => [
    `${entry.name} (${entry.version})`,
    titled(entry.kind),
    titled(entry.catalog),
    shortened(entry.description),
    ...(wide ? [entry.platforms, entry.tags, entry.categories].map((list) => list.join(', ') || nothing) : []),
  ]);
  return alignColumns([head, ...rows].map((cells) => `${cells.map(inLine).join('\t')}\n`).join(''));
}

/** As `tkn hub info` prints it. */
export function infoText(found: Package, type: HubType, defaultCatalog: string): string {
  const { name, displayName, version, deprecated, description, minPipelinesVersion, rating } = found;
  const from = found.catalog === defaultCatalog ? '' : ` --from ${found.catalog}`;
  const hub = type === 'artifact' ? '' : ` --type ${type}`;
  return printable(
    [
      `📦 Name: ${name}\n`,
      ...(displayName === '' ? [] : [`🗂 Display Name: ${displayName}\n`]),
      `📌 Version: ${version}${deprecated ? ' (Deprecated)' : ''}\n`,
      `📖 Description: ${wrapped(inLine(description)) || nothing}\n`,
      `🗒  Minimum Pipeline Version: ${minPipelinesVersion || nothing}\n`,
      `⭐ ️Rating: ${rating || nothing}\n`,
      ...listed('🏷️  ️Categories', found.categories),
      ...listed('🏷 Tags', found.tags),
      ...listed('💻 Platforms', found.platforms),
      `⚒ Install Command:\n  tektite hub install ${found.kind} ${name} --version ${version}${from}${hub}\n`,
    ].join('\n'),
  );
}

function listed(title: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${title}\n${names.map((name) => `  ∙ ${name}\n`).join('')}`];
}

/** A word with its first letter large, as kinds and catalogs are shown. */
export function titled(word: string): string {
  return word.replaceAll(
    /(^|[^\p{L}\p{N}])(\p{L})/gu,
    (_match, before: string, letter: string) => before + letter.toUpperCase(),
  );
}

function shortened(text: string): string {
  if (text === '') return nothing;
  return text.length > shortDescription ? `${text.slice(0, shortDescription - 1)}...` : text;
}

/** Texts of hubs have line feeds and tabs, which would be cells and rows. */
function inLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** The first line is shorter, by the title before it. */
function wrapped(text: string): string {
  const lines: string[] = [];
  let rest = text;
  for (let width = descriptionWidth - titleWidth; rest.length > width; width = descriptionWidth) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest].join('\n');
}
