import { layoutOf, type Layout, type Outline } from '../../view/layout.ts';

/** Lays graphs out beside the page: hundreds of tasks take longer than a frame. */
export interface LayoutRequest {
  id: number;
  outline: Outline;
}
export interface LayoutAnswer {
  id: number;
  layout: Layout;
}

self.onmessage = ({ data: { id, outline } }: MessageEvent<LayoutRequest>) => {
  postMessage({ id, layout: layoutOf(outline) } satisfies LayoutAnswer);
};
