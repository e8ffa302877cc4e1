import { fieldsOf, isJsonObject } from '../../json-object.ts';

/** An object of a hub's answer. */
export type Json = Readonly<Record<string, unknown>>;

/** Parts of answers that may be anything: what is not of the wanted kind counts as not there. */
export function textAt(json: Json, name: string): string {
  const value = json[name];
  return typeof value === 'string' ? value : '';
}

export function objectAt(json: Json, name: string): Json {
  return fieldsOf(json[name]);
}

export function objectsAt(json: Json, name: string): Json[] {
  const value = json[name];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function textsAt(json: Json, name: string): string[] {
  const value = json[name];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** The names in a list of objects that have one. */
export function namesAt(json: Json, name: string): string[] {
  return objectsAt(json, name).map((each) => textAt(each, 'name').trim());
}
