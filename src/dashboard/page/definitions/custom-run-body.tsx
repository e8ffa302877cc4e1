import type { ReactNode } from 'react';
import type { KubeObject } from '../../../resource.ts';
import type { Condition } from '../../../api/meta.ts';
import { statusOf } from '../../view/status.ts';
import { itemsOf, textOf } from '../../view/untyped.ts';
import { Status } from '../parts/status.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { Values } from '../parts/values.tsx';
import { fieldsOf } from '../../../json-object.ts';

/** A run of a custom task: another controller's work, of which Tekton knows state, params and results. */
export function CustomRunBody({ object }: { object: KubeObject }): ReactNode {
  const { spec, status } = object as { spec?: unknown; status?: { conditions?: Condition[]; startTime?: string } };
  const { params, customRef, customSpec } = fieldsOf(spec);
  const [condition] = itemsOf(fieldsOf(status)['conditions']);
  return (
    <TabBody label="Status">
      <section>
        <h2>Status</h2>
        <p>
          <Status status={statusOf({ spec, status })} />
        </p>
        <p>
          <Text of={textOf(condition?.['message'])} />
        </p>
      </section>
      <Values title="Custom task" values={[{ name: 'reference', value: customRef ?? customSpec }]} none="" />
      <Values title="Params" values={namedIn(params)} none="It was given no params." />
      <Values title="Results" values={namedIn(fieldsOf(status)['results'])} none="There are no results." />
    </TabBody>
  );
}

function namedIn(values: unknown): { name: string; value: unknown }[] {
  return itemsOf(values).map(({ name, value }) => ({ name: textOf(name), value }));
}
