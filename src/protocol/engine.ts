import type { Progress } from '../engine/analysis/hooks';
import type { CompareOptions } from '../engine/analysis/matrixOptions';
import type { ModelDescription } from '../engine/analysis/modelDescription';
import type { AnalyzeOptions } from '../engine/analysis/options';
import type { ExportSummary } from '../engine/analysis/exportSummary';
import type { StudyRequest } from '../engine/analysis/study';
import type { ExportOptions } from '../engine/export/options';
import type { HessianComparison } from '../engine/report/comparison';
import type { Coverage } from '../engine/report/coverage';
import type { Report } from '../engine/report/schema';
import type { Studies } from '../engine/report/studies';

/** Where a run keeps its probes, a file that is gone once it is through. */
export interface KeptProbes {
  readonly file: string;
  /** Whether to go on with what is there; probes of another model, other data or other settings are begun anew. */
  readonly resume: boolean;
}

/** Requests that the extension sends to the engine's process: method → parameters and result. */
export interface EngineMethods {
  analyze: { params: { readonly options: AnalyzeOptions; readonly probes?: KeptProbes }; result: Report };
  compareHessians: {
    params: { readonly options: CompareOptions; readonly probes?: KeptProbes };
    result: HessianComparison;
  };
  study: { params: { readonly request: StudyRequest; readonly probes?: KeptProbes }; result: Studies };
  describeModel: { params: { model: string }; result: ModelDescription };
  exportQuantized: {
    params: {
      readonly model: string;
      readonly bits: Readonly<Record<string, number>>;
      readonly options: ExportOptions;
      readonly output: string;
    };
    result: ExportSummary;
  };
  coverage: { params: { model: string }; result: Coverage };
}

/** Notifications from the engine's process while it works; partial results are of `analyze`, and of `study`. */
export interface EngineEvents {
  progressed: Progress;
  partialResult: Report;
  partialStudies: Studies;
}

/** How a `CurvatureError` crosses the process boundary: the `data` of a JSON-RPC error. */
export interface EngineErrorData {
  readonly code: string;
  readonly hint?: string;
}
