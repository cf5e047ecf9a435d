/** The façade: the one way into the engine for the server, the CLI and tests of whole paths. */
export { CurvatureError } from './errors';
export { type Answer, methods as allocationMethods } from './allocation/answer';
export { allocateFile, type AllocateOptions } from './analysis/allocate';
export { analyze } from './analysis/analyze';
export { coverage } from './analysis/coverage';
export { describeModel } from './analysis/describe';
export { exportHvp } from './analysis/exportHvp';
export { exportQuantized, type ExportHooks } from './analysis/exportQuantized';
export { exportRecipe } from './analysis/exportRecipe';
export type { ExportedLayer, ExportSummary } from './analysis/exportSummary';
export { spectrum } from './analysis/spectrum';
export { defaultExportOptions, type ExportFormat, exportFormats, type ExportOptions } from './export/options';
export { type RecipeTool, recipeTools } from './export/recipes/recipe';
export { parseReport, stringifyReport } from './report/json';
export * from './analysis/options';
export type { SpectrumReport } from './report/spectrum';
export type { Coverage } from './report/coverage';
export type { Diagnostic, Eigenvalue, Estimate, FrontierPoint, LayerReport, Report } from './report/schema';
