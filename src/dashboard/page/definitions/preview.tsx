import type { ReactNode } from 'react';
import { stringify } from 'yaml';
import { shown } from '../../view/shown.ts';

interface PreviewProps {
  of: object;
  /** Somebody goes on with the text himself. */
  onEdit: (text: string) => void;
}

/** An object as it will be sent. */
export default function Preview({ of, onEdit }: PreviewProps): ReactNode {
  const text = stringify(of, { lineWidth: 0 });
  return (
    <>
      <div className="tab-tools">
        <button type="button" className="tool" onClick={() => void navigator.clipboard.writeText(text)}>
          Copy
        </button>
        <button type="button" className="tool" onClick={() => onEdit(text)}>
          Edit
        </button>
      </div>
      <pre className="yaml">{shown(text)}</pre>
    </>
  );
}
