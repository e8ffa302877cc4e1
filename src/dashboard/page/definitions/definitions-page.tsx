import type { ReactNode } from 'react';
import { definitionKinds } from '../../view/listed-kind.ts';
import { ObjectList } from '../objects/object-list.tsx';

/** Pipelines, Tasks, StepActions and CustomRuns. */
export default function DefinitionsPage(): ReactNode {
  return <ObjectList base="/definitions" title="Definitions" kinds={definitionKinds} />;
}
