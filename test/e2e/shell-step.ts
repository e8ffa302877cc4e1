/** What most steps of these tests run in. */
export const image = 'docker.io/library/busybox:1.36';

/** A step that is a script of the shell. */
export function sh(name: string, script: string): { name: string; image: string; script: string } {
  return { name, image, script: `#!/bin/sh\n${script}\n` };
}
