import { type ProbeJournal, spectrum, type SpectrumReport } from '../engine';
import type { SpectrumOptions } from '../engine/analysis/options';
import { spectrumToText } from '../engine/report/spectrumText';
import { printResult, replaceFile, requireWritable, toJson } from './files';
import { interruptible } from './interrupt';
import { addInto, requireReport } from './into';
import { conclude, journalBeside } from './journal';
import { showProgress } from './progress';

export type SpectrumFlags = Omit<SpectrumOptions, 'model' | 'seconds' | 'executionProvider' | 'layers'> & {
  readonly ep: string;
  readonly for?: number;
  readonly layer?: readonly string[];
  readonly out?: string;
  readonly into?: string;
  readonly json?: boolean;
  readonly resume?: boolean;
};

/** `curvature spectrum`: resolves to the exit code. A run that stops early shows what it has found. */
export async function runSpectrum(model: string, flags: SpectrumFlags): Promise<number> {
  const { ep, for: seconds, layer, out, into, json, resume = false, ...settings } = flags;
  if (out !== undefined) await requireWritable(out);
  if (into !== undefined) await requireReport(into);
  const journal = journalBeside(out, resume);
  const options = { ...settings, model, seconds, executionProvider: ep, layers: layer };
  const { report, error } = await runToTheEnd(options, journal && out, journal);
  if (report) {
    await printResult(report, spectrumToText, { out, json }, report.diagnostics)();
    if (into !== undefined) await addInto(into, report.model, { spectra: [report] });
  }
  return conclude(error, journal);
}

/** @param out where what is found so far can be read at any time */
async function runToTheEnd(
  options: SpectrumOptions,
  out: string | undefined,
  journal: ProbeJournal | undefined,
): Promise<{ report?: SpectrumReport; error?: unknown }> {
  const view = showProgress();
  const { signal, release } = interruptible();
  let report: SpectrumReport | undefined;
  try {
    report = await spectrum(options, {
      signal,
      onProgress: progress => view.update(progress),
      onPartial: partial => {
        report = partial;
        if (out !== undefined) replaceFile(out, toJson(partial));
      },
      journal,
    });
    return { report };
  } catch (error) {
    return { report, error };
  } finally {
    release();
    view.stop();
  }
}
