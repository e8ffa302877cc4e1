/** Preloaded into a process whose heap is measured (with --expose-gc): collects before it can be looked at again. */
setInterval(() => globalThis.gc?.(), 2_000).unref();
