import { useMemo, useState, type ReactNode } from 'react';
import { stringify } from 'yaml';
import type { KubeObject } from '../../../resource.ts';
import { shown } from '../../view/shown.ts';
import { TabBody } from '../parts/tab-body.tsx';

/** The object as the API server has it. */
export default function YamlTab({ run }: { run: KubeObject }): ReactNode {
  const [hasManaged, setManaged] = useState(false);
  const text = useMemo(() => {
    const { managedFields, ...metadata } = run.metadata;
    return stringify({ ...run, metadata: hasManaged ? { ...metadata, managedFields } : metadata }, { lineWidth: 0 });
  }, [run, hasManaged]);
  return (
    <TabBody label="YAML">
      <div className="tab-tools">
        <button type="button" className="tool" aria-pressed={hasManaged} onClick={() => setManaged(!hasManaged)}>
          Managed fields
        </button>
        <button type="button" className="tool" onClick={() => void navigator.clipboard.writeText(text)}>
          Copy
        </button>
      </div>
      <pre className="yaml" tabIndex={0}>
        {shown(text)}
      </pre>
    </TabBody>
  );
}
