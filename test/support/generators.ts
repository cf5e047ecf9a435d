import assert from 'node:assert/strict';

/** The last value that a generator yields. */
export async function lastOf<T>(generator: AsyncIterable<T>): Promise<T> {
  const all = await allOf(generator);
  assert.ok(all.length > 0, 'nothing was yielded');
  return all[all.length - 1];
}

export async function allOf<T>(generator: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of generator) all.push(value);
  return all;
}
