import { useMemo, useState, type ReactNode } from 'react';
import { stringify } from 'yaml';
import type { KubeObject } from '../../../resource.ts';
import { shown } from '../../view/shown.ts';
import { TabBody } from '../parts/tab-body.tsx';

/** The object as the API server has it, as a tab. */
export default function YamlTab({ run }: { run: KubeObject }): ReactNode {
  return (
    <TabBody label="YAML">
      <Yaml of={run} />
    </TabBody>
  );
}

/** The object as the API server has it, what wrote which field aside. */
export function Yaml({ of }: { of: KubeObject }): ReactNode {
  const [hasManaged, setManaged] = useState(false);
  const text = useMemo(() => {
    const { managedFields, ...metadata } = of.metadata;
    return stringify({ ...of, metadata: hasManaged ? { ...metadata, managedFields } : metadata }, { lineWidth: 0 });
  }, [of, hasManaged]);
  return (
    <>
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
    </>
  );
}
