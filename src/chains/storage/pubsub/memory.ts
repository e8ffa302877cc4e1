import type { Message, Topic } from './message.ts';

const topics = new Map<string, Set<(message: Message) => void>>();

/** The topic of this name within this process: what is published goes to those who listen now, and is kept nowhere. */
export function memoryTopic(name: string): Topic & { subscribe(listener: (message: Message) => void): () => void } {
  return {
    publish: async (message, signal) => {
      await Promise.resolve();
      signal.throwIfAborted();
      for (const listener of topics.get(name) ?? []) listener(message);
    },
    subscribe(listener) {
      const listeners = topics.get(name) ?? new Set();
      topics.set(name, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) topics.delete(name);
      };
    },
  };
}
