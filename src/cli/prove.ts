import { readFile } from 'node:fs/promises';
import { parseReport, prove, type Proof, stringifyReport } from '../engine';
import type { ProveOptions } from '../engine/analysis/options';
import { proofToText } from '../engine/report/proofText';
import { requireWritable, writeResult } from './files';
import { interruptible } from './interrupt';
import { showProgress } from './progress';

export type ProveFlags = Omit<ProveOptions, 'model' | 'executionProvider'> & {
  readonly ep: string;
  readonly out?: string;
  readonly embed?: boolean;
  readonly json?: boolean;
};

/** `curvature prove`: resolves to the exit code. */
export async function runProve(model: string, flags: ProveFlags): Promise<number> {
  const { ep, out, embed, json, ...settings } = flags;
  for (const file of [out, embed ? settings.report : undefined])
    if (file !== undefined) await requireWritable(file);
  const proof = await runToTheEnd({ ...settings, model, executionProvider: ep });
  const text = `${JSON.stringify(proof, null, 2)}\n`;
  process.stdout.write(json ? text : proofToText(proof));
  for (const { severity, message } of proof.diagnostics)
    process.stderr.write(`${severity === 'info' ? 'note' : severity}: ${message}\n`);
  if (out !== undefined) await writeResult(out, text);
  if (embed) {
    const report = parseReport(await readFile(settings.report, 'utf8'));
    await writeResult(settings.report, stringifyReport({ ...report, proof }));
  }
  return 0;
}

async function runToTheEnd(options: ProveOptions): Promise<Proof> {
  const view = showProgress();
  const { signal, release } = interruptible();
  try {
    return await prove(options, { signal, onProgress: progress => view.update(progress) });
  } finally {
    release();
    view.stop();
  }
}
