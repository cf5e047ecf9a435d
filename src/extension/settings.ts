import { defaultOptions, type AnalyzeOptions } from '../engine/analysis/options';

type SettableOption = Exclude<keyof AnalyzeOptions, 'model' | 'data' | 'labels' | 'samples'>;

/** Setting → option. package.json declares each with the default of `defaultOptions`; a test compares the two. */
export const settings = {
  'curvature.loss': 'loss',
  'curvature.matrix': 'matrix',
  'curvature.eigenvalues': 'eigenvalues',
  'curvature.relativeTolerance': 'rtol',
  'curvature.maxProbes': 'maxProbes',
  'curvature.bitWidths': 'bits',
  'curvature.granularity': 'granularity',
  'curvature.activations': 'activations',
  'curvature.budget': 'budget',
  'curvature.jointRuns': 'jointRuns',
  'curvature.seed': 'seed',
  'curvature.executionProvider': 'executionProvider',
  'curvature.batch': 'batch',
  'curvature.memory': 'memory',
} as const satisfies Record<string, SettableOption>;

export type Setting = keyof typeof settings;

/**
 * The options of an analysis out of the settings. VS Code hands on what the user wrote even where it breaks the schema;
 * the engine checks every option and names the one that is wrong, so values go through as they are. Null means unset.
 */
export function optionsFrom(read: (setting: Setting) => unknown): Omit<AnalyzeOptions, 'model'> {
  const chosen = (Object.keys(settings) as Setting[])
    .map(setting => [settings[setting], read(setting)] as const)
    .filter(([, value]) => value !== undefined && value !== null);
  return { ...defaultOptions, ...(Object.fromEntries(chosen) as Partial<AnalyzeOptions>) };
}
