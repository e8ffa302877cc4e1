/** The size of a task in the picture of a pipeline, in CSS pixels. */
export const nodeWidth = 216;
export const nodeHeight = 40;
