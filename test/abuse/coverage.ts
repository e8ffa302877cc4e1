import { readdirSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const source = path.resolve(import.meta.dirname, '../../src');
/** Where functions take what users and their servers write. */
const rooms = ['core', 'chains/plan', 'chains/artifacts', 'chains/formats'];
const parsers = ['challenge', 'digest', 'hosts', 'keychain', 'reference'].map((name) => `registry/${name}.ts`);

/** Files of those rooms, relative to src. */
export function coveredFiles(): string[] {
  const inRooms = rooms.flatMap((room) =>
    readdirSync(path.join(source, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/\.(?:test|fake)\.ts$/.test(file))
      .map((file) => `${room}/${file}`),
  );
  return [...inRooms, ...parsers].sort();
}

/** Exported functions of a file, as `core/naming.ts childName`. */
export async function exportedFunctions(file: string): Promise<string[]> {
  const exports = (await import(pathToFileURL(path.join(source, file)).href)) as Record<string, unknown>;
  return Object.entries(exports)
    .filter(([, value]) => typeof value === 'function' && !isErrorClass(value))
    .map(([name]) => `${file} ${name}`);
}

function isErrorClass(value: object): boolean {
  return 'prototype' in value && value.prototype instanceof Error;
}

/** The functions of src that something calls, by V8's own count. */
export async function calledFunctions(act: () => unknown): Promise<Set<string>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  act();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  await session.post('Profiler.stopPreciseCoverage');
  session.disconnect();
  const called = result.flatMap(({ url, functions }) => {
    const file = url.startsWith('file:') ? path.relative(source, new URL(url).pathname) : '';
    return functions.filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0).map((one) => `${file} ${one.functionName}`);
  });
  return new Set(called);
}
