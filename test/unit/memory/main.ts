/**
 * Runs one derivative graph of a model once, and prints what was predicted of its memory and what it took:
 * node main.js MODEL BATCH hessian|forms
 */
import { writeSync } from 'node:fs';
import { openModel } from '../../../src/engine/analysis/model';
import { peakOfRuns } from '../../../src/engine/analysis/memory';
import { setUp } from '../../../src/engine/analysis/setUp';
import { formsRuns, hessianRuns } from '../../../src/engine/curvature/derived';
import { hessianOperator } from '../../../src/engine/curvature/products';
import { quadraticForms, rademacherDirection } from '../../../src/engine/curvature/quadraticForms';

const PROBES = 2;

async function main(file: string, batch: number, kind: string): Promise<void> {
  const model = openModel(file);
  const { problem, parameters, reached } = await setUp(model, {
    ...{ loss: 'auto', seed: 0, executionProvider: 'cpu', samples: batch, batch, memory: '8GB' },
  });
  const plan = await (kind === 'hessian'
    ? hessianRuns(problem, parameters)
    : formsRuns(problem, reached, 'block', PROBES));
  const predicted = peakOfRuns(plan);
  if (kind === 'hessian') {
    const operator = await hessianOperator(problem, parameters);
    await operator.apply(new Float64Array(operator.size).fill(1));
  } else {
    const forms = await quadraticForms(problem, reached, 'block', PROBES, rademacherDirection(reached, 0));
    await forms.sample([0, 1]);
  }
  const measured = process.resourceUsage().maxRSS * 1024;
  writeSync(1, JSON.stringify({ predicted, measured }));
  // An orderly exit would wait for ONNX Runtime's threads.
  process.exit(0);
}

const [file, batch, kind] = process.argv.slice(2);
void main(file, Number(batch), kind);
