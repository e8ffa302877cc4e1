import type { ReactNode } from 'react';
import { shortened, shown } from '../../view/shown.ts';

/** What others wrote, such as names: kept apart from the order of reading around it, unseen characters shown. */
export function Text({ of, most = 2_000 }: { of: string; most?: number }): ReactNode {
  const { text, left } = shortened(of, most);
  return (
    <bdi>
      {shown(text)}
      {left > 0 && <span className="muted"> ... and {left.toLocaleString('en')} more characters</span>}
    </bdi>
  );
}
