/**
 * Runs `check` every `everyMs` until it returns undefined (all is well). Throws its last complaint after `timeoutMs`.
 */
export async function waitUntilHealthy(
  check: () => Promise<string | undefined>,
  { timeoutMs, everyMs = 100, signal }: { timeoutMs: number; everyMs?: number; signal?: AbortSignal },
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const complaint = await check();
    if (complaint === undefined) return;
    if (Date.now() > deadline) throw new Error(complaint);
    await new Promise((wake) => setTimeout(wake, everyMs));
  }
}
