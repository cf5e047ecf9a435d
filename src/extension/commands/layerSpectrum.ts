import * as vscode from 'vscode';
import { isOfLayer, spectrumMatrix } from '../../engine/report/layerSpectrum';
import { spectrumKey } from '../../engine/report/spectrumKey';
import type { Ctx } from '../ctx';
import { MODEL_EDITOR } from '../editors/modelEditor';
import { UserError } from '../userError';
import { measureSpectrum } from './measureSpectrum';
import { modelFor, type Resource } from './resource';

/** What the menu of a row of the panel's layer table hands over. */
interface RowContext {
  readonly layer: string;
}

/** Turns the panel to the spectrum of one layer, which is measured first where it has not been. */
export async function layerSpectrum(ctx: Ctx, from?: Resource | RowContext, name?: string): Promise<void> {
  const isRow = typeof from === 'object' && 'layer' in from;
  const model = modelFor(isRow ? undefined : from);
  const layer = isRow ? from.layer : name;
  if (layer === undefined)
    throw new UserError('No layer was named.', 'Right-click one in the panel’s table.');
  const analysis = await ctx.analyses.of(model);
  const found = () => analysis.report?.studies?.spectra?.find(one => isOfLayer(one, layer));
  if (!found()) {
    const measured = analysis.report?.layers.find(one => one.name === layer);
    const matrix = measured && spectrumMatrix(measured);
    if (!matrix) throw new UserError(`The spectrum of ${layer} can’t be measured: no derivative reaches it.`);
    await measureSpectrum(ctx, model, { layers: [layer], matrix });
  }
  await vscode.commands.executeCommand('vscode.openWith', model, MODEL_EDITOR);
  const spectrum = found();
  if (spectrum) analysis.showSpectrum(spectrumKey(spectrum));
}
