import { lazy, Suspense, useState, type ReactNode } from 'react';
import type { KubeObject } from '../../../resource.ts';
import { podsOfTasks } from '../../view/run-artifacts.ts';
import { textOf } from '../../view/untyped.ts';
import { useObjects } from '../api/use-objects.ts';
import { Text } from '../parts/text.tsx';
import { podsOf, type RunName, type RunView } from './use-run.ts';
import { fieldsOf } from '../../../json-object.ts';

const Yaml = lazy(() => import('./yaml-tab.tsx').then((module) => ({ default: module.Yaml })));

/** The pods of each attempt, and what is left of them in the cluster. */
export function Pods({ name, view }: { name: RunName; view: RunView }): ReactNode {
  const { byName, problem } = useObjects<KubeObject>(podsOf(name));
  const pods = podsOfTasks(view.graph, view.taskRuns);
  return (
    <section>
      <h2>Pods</h2>
      {problem !== undefined && (
        <p className="muted">
          How they are cannot be read: <Text of={problem} />
        </p>
      )}
      {pods.length === 0 ? (
        <p className="muted">No task has had a pod.</p>
      ) : (
        <dl className="values">
          {pods.map(({ task, value }, at) => (
            <div key={`${value} ${at}`}>
              <dt>
                <Text of={task} most={253} />
              </dt>
              <dd>
                <Text of={value} most={253} />
                <PodNow pod={byName.get(value)} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** A pod as it is now; nothing where it is gone. */
function PodNow({ pod }: { pod: KubeObject | undefined }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  if (pod === undefined) return null;
  const { spec, status } = pod as { spec?: unknown; status?: unknown };
  const { phase, reason, message } = fieldsOf(status);
  const node = textOf(fieldsOf(spec)['nodeName']);
  const why = [reason, message].map(textOf).filter((part) => part !== '');
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <Text
          of={[textOf(phase) || 'Pending', node === '' ? 'on no node' : `on ${node}`, ...why].join(', ')}
          most={500}
        />
      </summary>
      {isOpen && (
        <Suspense fallback={<p className="muted">Loading...</p>}>
          <Yaml of={pod} />
        </Suspense>
      )}
    </details>
  );
}
