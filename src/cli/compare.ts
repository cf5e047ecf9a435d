import path from 'node:path';
import { compareHessians, CurvatureError, parseReport } from '../engine';
import type { CompareOptions } from '../engine/analysis/matrixOptions';
import { compareReports } from '../engine/report/compareReports';
import type { ComparisonSoFar } from '../engine/report/comparison';
import { hessianComparisonToText, reportComparisonToText } from '../engine/report/comparisonText';
import type { Report } from '../engine/report/schema';
import { printResult, readParsed, requireWritable, writeResult } from './files';
import { loadAssets, renderComparison } from './html';
import { type MatrixFlags, runStudy } from './matrixCommand';

export type CompareFlags = Omit<MatrixFlags, 'data'> &
  Pick<CompareOptions, 'matrix' | 'count'> & {
    readonly model?: readonly string[];
    readonly data?: readonly string[];
    readonly html?: string;
  };

/** `curvature compare`: of two reports, or of one or two models on one or two sets of data. Resolves to the exit code. */
export async function runCompare(files: readonly string[], flags: CompareFlags): Promise<number> {
  const { ep, layer, out, json, resume, html, model: models = [], data = [], ...settings } = flags;
  if (models.length === 0) {
    if (files.length !== 2)
      throw new CurvatureError(
        'option-invalid',
        `Two reports are expected, ${files.length} given.`,
        'Or compare Hessians: --model A.onnx [B.onnx] --data A.npz [B.npz].',
      );
    for (const file of [out, html]) if (file !== undefined) await requireWritable(file);
    const assets = html === undefined ? undefined : await loadAssets(__dirname, 'compare');
    const comparison = compareReports(await reportOf(files[0]), await reportOf(files[1]));
    await printResult(comparison, reportComparisonToText, { out, json }, []);
    if (html !== undefined && assets) {
      const names = [path.basename(files[0]), path.basename(files[1])] as const;
      await writeResult(html, renderComparison(comparison, names, assets));
    }
    return 0;
  }
  if (html !== undefined)
    throw new CurvatureError('option-invalid', '--html writes the page of two reports; Hessians have none.');
  if (files.length > 0 || models.length > 2 || data.length > 2 || models.length + data.length < 3)
    throw new CurvatureError(
      'option-invalid',
      'Hessians are compared of two models, or of one model on two sets of data.',
      'Give --model A.onnx --data A.npz B.npz, or --model A.onnx B.onnx --data DATA.npz.',
    );
  const options = { ...settings, models, data, executionProvider: ep, layers: layer };
  return runStudy<ComparisonSoFar>(
    { out, json, resume },
    {
      name: 'compare',
      measure: hooks => compareHessians(options, hooks),
      toText: hessianComparisonToText,
      notes: report => report.diagnostics,
    },
  );
}

const reportOf = (file: string): Promise<Report> => readParsed(file, parseReport, 'report-invalid');
