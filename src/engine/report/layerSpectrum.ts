import type { Matrix } from '../curvature/matrices';
import type { LayerReport } from './schema';
import type { SpectrumReport } from './spectrum';

/** Whether a spectrum is that of one layer's weights alone. */
export const isOfLayer = ({ settings: { parameters } }: SpectrumReport, layer: string): boolean =>
  parameters.length === 1 && parameters[0] === layer;

/** The matrix whose spectrum can be measured over a layer's weights: that which derivatives reach; undefined where none does. */
export function spectrumMatrix({ status, method = 'exact' }: LayerReport): Matrix | undefined {
  if (status !== 'analysed') return undefined;
  return method === 'exact' ? 'hessian' : method === 'ggn' ? 'ggn' : undefined;
}
