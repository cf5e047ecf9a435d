import path from 'node:path';
import type { OpenedMatrix } from './openMatrix';
import { TOOL } from './state';

/** What the reports of all studies have in common: what measured which model, on which data and device. @param complete whether all that was asked for is there */
export const reportHead = ({ model, ready }: Pick<OpenedMatrix, 'model' | 'ready'>, complete: boolean) => ({
  complete,
  tool: TOOL,
  model: { file: path.basename(model.file), sha256: model.sha256 },
  data: ready.data,
  device: ready.problem.session.device.name,
  samples: ready.problem.dataset.samples,
});
