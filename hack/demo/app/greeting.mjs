/** The whole business logic of the sample service. */
export function greeting(name = 'world') {
  return `Hello, ${name.trim() || 'world'}!`;
}
