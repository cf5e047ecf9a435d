import type { Layer } from '../curvature/layers';
import type { Parameter } from '../curvature/parameters';
import { CurvatureError } from '../errors';

/** So many names are listed where one is wrong. */
const LISTED = 20;

/**
 * Parameters whose names, or whose layers' names, match any of the globs, in which `*` stands for any run of characters and `?` for one;
 * all where none are given.
 * @throws CurvatureError `option-invalid` for a glob that matches nothing
 */
export function chooseParameters(
  parameters: readonly Parameter[],
  layers: readonly Layer[],
  globs: readonly string[] | undefined,
): readonly Parameter[] {
  if (!globs || globs.length === 0) return parameters;
  const shown = new Map(layers.map(l => [l.initializer, l.name]));
  const nameOf = ({ name }: Parameter): string => shown.get(name) ?? name;
  const patterns = globs.map(glob => ({ glob, pattern: patternOf(glob) }));
  const matches = (pattern: RegExp, p: Parameter): boolean => pattern.test(p.name) || pattern.test(nameOf(p));
  for (const { glob, pattern } of patterns) {
    if (!parameters.some(p => matches(pattern, p))) {
      const names = parameters.slice(0, LISTED).map(nameOf).join(', ');
      throw new CurvatureError(
        'option-invalid',
        `No parameter matches "${glob}".`,
        `The model has: ${names}${parameters.length > LISTED ? ', …' : ''}`,
      );
    }
  }
  return parameters.filter(p => patterns.some(({ pattern }) => matches(pattern, p)));
}

function patternOf(glob: string): RegExp {
  const literal = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
}
