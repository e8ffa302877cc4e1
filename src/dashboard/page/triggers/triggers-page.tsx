import type { ReactNode } from 'react';
import { triggerKinds } from '../../view/trigger-kinds.ts';
import { ObjectList } from '../objects/object-list.tsx';

/** EventListeners, and what they are made of. */
export default function TriggersPage(): ReactNode {
  return <ObjectList base="/triggers" title="Triggers" kinds={triggerKinds} />;
}
