import type { ReactNode } from 'react';
import { stringify } from 'yaml';
import { shown } from '../../view/shown.ts';

/** An object as it will be sent. */
export default function Preview({ of }: { of: object }): ReactNode {
  const text = stringify(of, { lineWidth: 0 });
  return (
    <>
      <div className="tab-tools">
        <button type="button" className="tool" onClick={() => void navigator.clipboard.writeText(text)}>
          Copy
        </button>
      </div>
      <pre className="yaml">{shown(text)}</pre>
    </>
  );
}
