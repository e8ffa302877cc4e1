/** The finalizers by which Chains keeps a run until it is signed. */
export const chainsFinalizers = {
  taskrun: 'chains.tekton.dev/taskrun',
  pipelinerun: 'chains.tekton.dev/pipelinerun',
} as const;

/** Of upstream's first versions. */
export const legacyChainsFinalizer = 'chains.tekton.dev';

/** Finalizers of Chains, also those that other versions left. */
export function isChainsFinalizer(name: string): boolean {
  return name === legacyChainsFinalizer || name === chainsFinalizers.taskrun || name === chainsFinalizers.pipelinerun;
}
