import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { PipelineSpec, PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import { paramRows, stepRows, taskFacts, type Fact } from '../../view/definition.ts';
import { itemsOf } from '../../view/untyped.ts';
import { objectHref, type ObjectName } from '../objects/address.ts';
import { Text } from '../parts/text.tsx';
import { Params, Steps } from './declared.tsx';
import { fieldsOf } from '../../../json-object.ts';

interface TaskOfPipelineProps {
  pipeline: ObjectName;
  spec: PipelineSpec;
  name: string;
}

/** A task as its pipeline has it. */
export function TaskOfPipeline({ pipeline, spec, name }: TaskOfPipelineProps): ReactNode {
  const own = objectHref('/definitions', pipeline);
  const all = [...itemsOf(spec.tasks), ...itemsOf(spec.finally)] as PipelineTask[];
  const task = all.find((each) => each.name === name);
  if (task === undefined) return <p className="empty">The pipeline has no task of that name.</p>;
  const written = task.taskSpec === undefined ? undefined : fieldsOf(task.taskSpec);
  return (
    <div className="definition-side" role="region" aria-label="Task" tabIndex={0}>
      <p className="crumbs">
        <Link href={own}>All that the pipeline declares</Link>
      </p>
      <section>
        <h2>
          <Text of={name} most={253} />
        </h2>
        <dl className="values">
          {taskFacts(task).map((fact, at) => (
            <div key={at}>
              <dt>
                <Text of={fact.label} most={300} />
              </dt>
              <dd>
                <FactText fact={fact} namespace={pipeline.namespace} />
              </dd>
            </div>
          ))}
        </dl>
      </section>
      {written !== undefined && (
        <>
          <Params rows={paramRows(written['params'])} />
          <Steps rows={stepRows(written['steps'])} />
        </>
      )}
    </div>
  );
}

function FactText({ fact: { text, definition }, namespace }: { fact: Fact; namespace: string | undefined }): ReactNode {
  if (definition === undefined) return <Text of={text} />;
  return (
    <Link href={objectHref('/definitions', { ...definition, namespace })}>
      <Text of={text} />
    </Link>
  );
}
