/**
 * What follows from an object alone, worked out once for as long as the object lives. Whoever calls it holds that the
 * object does not change.
 */
export function onceFor<K extends object, V>(workOut: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, { value: V }>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) known.set(key, (found = { value: workOut(key) }));
    return found.value;
  };
}
