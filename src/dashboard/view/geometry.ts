/** The size of a task in the picture of a pipeline, in CSS pixels. */
export const nodeWidth = 216;
export const nodeHeight = 40;
/** A run of a matrix below its task, and how many are in sight before one scrolls. */
export const fanHeight = 28;
export const mostInSight = 8;

/** How tall a task is with the runs of its matrix below it. */
export function unfoldedHeight(runs: number): number {
  return nodeHeight + Math.min(runs, mostInSight) * fanHeight + 8;
}
