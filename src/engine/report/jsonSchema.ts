import { z } from 'zod';
import { reportSchema } from './schema';

/** The report's format as a JSON schema (draft 7, the newest that VS Code's JSON editor knows in full). */
export function reportJsonSchema(): string {
  const schema = z.toJSONSchema(reportSchema, { target: 'draft-7' });
  return `${JSON.stringify({ title: 'Curvature report', ...schema }, null, 2)}\n`;
}
