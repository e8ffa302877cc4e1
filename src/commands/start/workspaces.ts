import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { CommandError } from '../command.ts';

/** Reads the object in a YAML file that a workspace names. @throws CommandError */
export type ObjectReader = (file: string) => Promise<Record<string, unknown>>;

type Source = Omit<WorkspaceBinding, 'name' | 'subPath'>;
const MEDIA = ['', 'Memory', 'HugePages'];
const FORM =
  'write --workspace name=NAME,claimName=CLAIM (or emptyDir=, config=NAME, secret=NAME, volumeClaimTemplateFile=FILE, csiFile=FILE)';

/**
 * A workspace in tkn's syntax: "name=src,claimName=pvc,subPath=dir", "name=tmp,emptyDir=Memory",
 * "name=conf,config=map,item=key=path", "name=key,secret=name", "name=v,volumeClaimTemplateFile=file.yaml" or
 * "name=v,csiFile=file.yaml". @throws CommandError with the text that is wrong.
 */
export async function readWorkspace(text: string, readObject: ObjectReader): Promise<WorkspaceBinding> {
  const parts = partsOf(text);
  const name = valueOf(parts, 'name');
  if (!name) throw new CommandError(`Name not found for workspace: ${text}: ${FORM}`);
  const sources = await sourcesOf({ parts, text, readObject });
  const [source] = sources;
  if (!source || sources.length > 1) throw invalid(text, sources.length > 1 ? 'give one source only' : FORM);
  const subPath = valueOf(parts, 'subPath');
  return { name, ...(subPath === undefined ? {} : { subPath }), ...source };
}

/** Workspaces of an earlier run with new ones in place of or beside them. */
export function mergeWorkspaces(
  earlier: readonly WorkspaceBinding[],
  given: readonly WorkspaceBinding[],
): WorkspaceBinding[] {
  return [...new Map([...earlier, ...given].map((each) => [each.name, each])).values()];
}

type Part = readonly [name: string, value: string];

function partsOf(text: string): Part[] {
  return text.split(',').map((part): Part => {
    const equals = part.indexOf('=');
    if (equals === -1) throw invalid(text, `${JSON.stringify(part)} has no "="`);
    return [part.slice(0, equals), part.slice(equals + 1)];
  });
}

function valueOf(parts: readonly Part[], name: string): string | undefined {
  return parts.find(([each]) => each === name)?.[1];
}

/** All that is written of one workspace. */
interface Written {
  parts: readonly Part[];
  text: string;
  readObject: ObjectReader;
}

type SourceReader = (value: string, written: Written) => Source | Promise<Source>;

/** What each way to say a source means. */
const sourceReaders: ReadonlyMap<string, SourceReader> = new Map<string, SourceReader>([
  ['claimName', (claimName) => ({ persistentVolumeClaim: { claimName } })],
  ['emptyDir', emptyDirOf],
  ['config', (name, written) => ({ configMap: { name, ...itemsOf(written) } })],
  ['secret', (secretName, written) => ({ secret: { secretName, ...itemsOf(written) } })],
  ['volumeClaimTemplateFile', async (file, { readObject }) => ({ volumeClaimTemplate: await readObject(file) })],
  ['csiFile', async (file, { readObject }) => ({ csi: (await readObject(file)) as { driver: string } })],
]);

const besideSources: readonly string[] = ['name', 'subPath', 'item'];

async function sourcesOf(written: Written): Promise<Source[]> {
  const sources: Source[] = [];
  for (const [name, value] of written.parts) {
    if (besideSources.includes(name)) continue;
    const read = sourceReaders.get(name);
    if (!read) throw invalid(written.text, `${JSON.stringify(name)} is not known; ${FORM}`);
    sources.push(await read(value, written));
  }
  return sources;
}

function emptyDirOf(medium: string, { text }: Written): Source {
  if (!MEDIA.includes(medium)) throw invalid(text, `emptyDir is nothing, Memory or HugePages`);
  return { emptyDir: medium === '' ? {} : { medium } };
}

/** "item=key=path", as often as wanted. */
function itemsOf({ parts, text }: Written): { items?: { key: string; path: string }[] } {
  const items = parts
    .filter(([name]) => name === 'item')
    .map(([, value]) => {
      const equals = value.indexOf('=');
      if (equals === -1) throw invalid(text, 'an item is written item=key=path');
      return { key: value.slice(0, equals), path: value.slice(equals + 1) };
    });
  return items.length > 0 ? { items } : {};
}

function invalid(text: string, why: string): CommandError {
  return new CommandError(`invalid input format for workspace : ${text}: ${why}`);
}
