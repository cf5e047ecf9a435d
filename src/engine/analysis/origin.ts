/**
 * The node of the file that a prepared node stands for: the one of the same name, or the one that it was expanded from, whose
 * name its own begins with.
 */
export function originOf(name: string, ofFile: ReadonlySet<string>): string {
  let origin = name;
  while (!ofFile.has(origin) && origin.includes('/')) origin = origin.slice(0, origin.lastIndexOf('/'));
  return ofFile.has(origin) ? origin : name;
}
