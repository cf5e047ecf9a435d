/** The façade: the one way into the engine for the server, the CLI and tests of whole paths. */
export { CurvatureError } from './errors';
export { type Answer, methods as allocationMethods } from './allocation/answer';
export { allocateFile, type AllocateOptions } from './analysis/allocate';
export { analyze } from './analysis/analyze';
export { compareHessians } from './analysis/compareHessians';
export { coupling } from './analysis/coupling';
export { coverage } from './analysis/coverage';
export { describeModel } from './analysis/describe';
export { exportHvp } from './analysis/exportHvp';
export { spectrum } from './analysis/spectrum';
export { stability } from './analysis/stability';
export { trust } from './analysis/trust';
export { parseReport, stringifyReport } from './report/json';
export * from './analysis/options';
export type { SpectrumReport } from './report/spectrum';
export type { StabilityReport } from './report/stability';
export type { Coverage } from './report/coverage';
export type { Diagnostic, Eigenvalue, Estimate, FrontierPoint, LayerReport, Report } from './report/schema';
