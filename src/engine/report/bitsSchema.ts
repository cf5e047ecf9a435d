import { z } from 'zod';
import { bitsFileSchema } from './bits';

/** The format of `*.bits.json` as a JSON schema (draft 7, the newest that VS Code's JSON editor knows in full). */
export function bitsJsonSchema(): string {
  const schema = z.toJSONSchema(bitsFileSchema, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify({ title: 'Bit widths', ...schema }, null, 2)}\n`;
}
