/** Why an event cannot become what a trigger's template describes. For users. */
export class ResolveError extends Error {
  override name = 'ResolveError';
}
