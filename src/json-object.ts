/** An object of JSON whose fields nobody has looked at. */
export type JsonObject = Record<string, unknown>;

/** Whether it has fields: no list, no null. */
export function isJsonObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** The fields of an object; none of what is no object. */
export function fieldsOf(json: unknown): Readonly<JsonObject> {
  return isJsonObject(json) ? json : {};
}
