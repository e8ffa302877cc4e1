#!/usr/bin/env node
/**
 * The `tektite` command: `tektite controller` runs the controllers; everything else is the command line for people, as
 * tkn has it. A role loads only what it needs. Flags and environment are read here, once.
 */
import { version } from './version.ts';

/** Roles of the image, each loaded on demand. */
const roles: Record<string, (args: readonly string[]) => Promise<number>> = {
  controller: async (args) => (await import('./controller/main.ts')).main(args, process.env, endSignal()),
  webhook: async (args) => (await import('./webhook/main.ts')).main(args, process.env, endSignal()),
  resolvers: async (args) => (await import('./resolvers/role/main.ts')).main(args, process.env, endSignal()),
  chains: async (args) => (await import('./chains/role/main.ts')).main(args, process.env, endSignal()),
  triggers: async (args) => (await import('./triggers/controller.ts')).main(args, process.env, endSignal()),
  interceptors: async (args) =>
    (await import('./triggers/interceptors/role/main.ts')).main(args, process.env, endSignal()),
  dashboard: async (args) => (await import('./dashboard/main.ts')).main(args, process.env, endSignal()),
  sink: async (args) => (await import('./triggers/sink/main.ts')).main(args, process.env, endSignal()),
  'shared-sink': async (args) => (await import('./triggers/shared-sink/main.ts')).main(args, process.env, endSignal()),
};

/** Aborted by the first SIGTERM or SIGINT; a second one ends the process at once. */
function endSignal(): AbortSignal {
  const end = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (end.signal.aborted) process.exit(1);
      end.abort(new Error(name));
    });
  }
  return end.signal;
}

async function commandLine(args: string[]): Promise<number> {
  const [{ runCommand }, { systemEnvironment }] = await Promise.all([
    import('./commands/main.ts'),
    import('./commands/environment.ts'),
  ]);
  return runCommand(args, systemEnvironment(version), endSignal());
}

const [first = '', ...rest] = process.argv.slice(2);
// A role takes flags only: `tektite chains release` is for people.
const isRole = Object.hasOwn(roles, first) && (rest.length === 0 || rest[0]?.startsWith('-'));
const role = isRole ? roles[first] : undefined;
try {
  process.exitCode = await (role ? role(rest) : commandLine(process.argv.slice(2)));
  // A kept connection or a timer of a library must not hold a finished server for the rest of its grace period.
  if (role) process.exit();
} catch (error) {
  console.error(`tektite ${first}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
