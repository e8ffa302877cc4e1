import type { ReactNode } from 'react';

/** What a tab shows. It scrolls, also by the keys of whoever has no mouse. */
export function TabBody({ label, children }: { label: string; children: ReactNode }): ReactNode {
  return (
    <div className="tab-body" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
