/** Exported functions that no family reaches, each with the reason why its cost does not grow with what users write. */
export const constant: Readonly<Record<string, string>> = {};
