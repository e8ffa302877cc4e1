import { useEffect, useState } from 'react';
import type { Layout, Outline } from '../../view/layout.ts';
import type { LayoutAnswer, LayoutRequest } from './layout.worker.ts';

const waiting = new Map<number, (layout: Layout) => void>();
let worker: Worker | undefined;
let asked = 0;

function layoutFrom(outline: Outline): Promise<Layout> {
  if (worker === undefined) {
    worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      waiting.get(data.id)?.(data.layout);
      waiting.delete(data.id);
    };
  }
  const id = (asked += 1);
  worker.postMessage({ id, outline } satisfies LayoutRequest);
  return new Promise((resolve) => waiting.set(id, resolve));
}

/** Where the nodes of a graph stand; undefined until it is worked out. States change nothing of it. */
export function useLayout(outline: Outline): Layout | undefined {
  const key = JSON.stringify(
    outline.map(({ name, section, dependencies, height }) => ({ name, section, dependencies, height })),
  );
  const [laid, setLaid] = useState<{ key: string; layout: Layout }>();
  useEffect(() => {
    let isWanted = true;
    void layoutFrom(JSON.parse(key) as Outline).then((layout) => {
      if (isWanted) setLaid({ key, layout });
    });
    return () => void (isWanted = false);
  }, [key]);
  return laid?.key === key ? laid.layout : undefined;
}
