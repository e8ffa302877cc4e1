import { compareVersions, parseVersion } from '../../resolvers/hub/version.ts';
import { CommandError } from '../command.ts';

/** Order of two versions as hubs and labels write them; one that is none comes first. */
export function orderOf(left: string, right: string): number {
  const [a, b] = [parseVersion(left), parseVersion(right)];
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareVersions(a, b);
}

/** Those of the list that are versions, the oldest first. */
export function sorted(versions: readonly string[]): string[] {
  return versions.filter((version) => parseVersion(version) !== undefined).toSorted(orderOf);
}

/** @throws CommandError with tkn's text for what is no version */
export function checkVersion(version: string): void {
  if (version !== '' && !/^\d+\.\d+(\.\d+)?$/.test(version))
    throw new CommandError(`invalid value ${JSON.stringify(version)} set for option version. valid eg. 0.1, 1.2.1`);
}
