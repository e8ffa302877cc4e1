/**
 * What takes minutes and half of all time: crashes, upgrades and the way back in all their forms, and large numbers.
 * `npm test` has small numbers of it; `npm run test:long` (TEKTITE_LONG=1) runs these files, and the large numbers.
 */
export const isLong = process.env['TEKTITE_LONG'] === '1';

/** Files that `npm test` leaves out. */
export const longFiles: readonly string[] = [
  'test/e2e/install.test.ts',
  'test/e2e/network-policy.test.ts',
  'test/e2e/replicas.test.ts',
  'test/e2e/upgrade.test.ts',
  'test/integration/dashboard-speed.test.ts',
  'test/integration/give-back.test.ts',
];

/** Files with numbers that are small in `npm test` (`sized`). */
export const sizedFiles: readonly string[] = [
  'test/e2e/kill.test.ts',
  'test/integration/chains-reconciler.test.ts',
  'test/integration/pruning.test.ts',
  'test/integration/queue.test.ts',
  'test/integration/resolvers.test.ts',
];

/** A number, or several, as `npm test` has it and as `npm run test:long` does. */
export function sized<T>(usual: T, long: T): T {
  return isLong ? long : usual;
}

/** The files of a vitest project that are in `folder`: all of them but the long ones, or just what is long. */
export function filesOf(folder: string): { include: string[]; exclude: string[] } {
  const isIn = (file: string) => file.startsWith(`${folder}/`);
  if (isLong) return { include: [...longFiles, ...sizedFiles].filter(isIn), exclude: [] };
  return { include: [`${folder}/**/*.test.ts`], exclude: longFiles.filter(isIn) };
}
