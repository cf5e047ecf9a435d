import { type z } from 'zod';
import { CurvatureError } from '../errors';
import { REPORT_VERSION, type Report, reportSchema } from './schema';

/** At most this many problems of a report are named. */
const ISSUES_SHOWN = 3;

/**
 * Reads a report file and checks it against the format's schema.
 *
 * Throws `report-invalid`: for text that isn't JSON, for JSON that is no report, for a report of another
 * version, and for fields that are missing or of the wrong kind, naming their path and what was expected and
 * found.
 */
export function parseReport(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`The report is not JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (!isRecord(value) || value.format !== 'curvature-report') {
    throw invalid("This is not a Curvature report: 'format' is not 'curvature-report'.");
  }
  if (value.version !== REPORT_VERSION) {
    throw new CurvatureError(
      'report-invalid',
      `The report has version ${JSON.stringify(value.version)}; this release reads version ${REPORT_VERSION}.`,
      'Analyze the model again, or open the report with the release that made it.',
    );
  }
  const result = reportSchema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, ISSUES_SHOWN).map(issue => describe(issue, value));
  const more = result.error.issues.length - issues.length;
  throw invalid(
    `The report is damaged: ${issues.join('; ')}${more > 0 ? `; and ${more} more problems` : ''}.`,
  );
}

/**
 * The report as JSON, indented, its keys in the schema's order, so that equal reports give equal bytes.
 * Throws an internal error for what the schema doesn't allow, NaN and infinities among it, rather than write
 * a file that can't be read back.
 */
export function stringifyReport(report: Report): string {
  return `${JSON.stringify(reportSchema.parse(report), null, 2)}\n`;
}

function describe(issue: z.core.$ZodIssue, report: unknown): string {
  const path = issue.path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key),
    '',
  );
  const found = issue.path.reduce<unknown>(
    (value, key) => (isRecord(value) ? value[String(key)] : undefined),
    report,
  );
  return `${path || 'the report'}: ${expected(issue)}, found ${found === undefined ? 'nothing' : shorten(JSON.stringify(found))}`;
}

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}`;
  if (issue.code === 'invalid_value')
    return `expected ${issue.values.map(v => JSON.stringify(v)).join(' or ')}`;
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}`;
  return issue.message;
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const invalid = (message: string): CurvatureError =>
  new CurvatureError('report-invalid', message, 'Analyze the model again to make a new report.');
