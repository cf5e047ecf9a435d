import { allocateFile, type AllocateOptions, type Answer } from '../engine';
import { formatNumber } from '../engine/report/format';
import { alignColumns } from '../engine/report/table';
import { readText } from './files';

export interface AllocateFlags extends Pick<AllocateOptions, 'method' | 'firstLast' | 'seed' | 'draws'> {
  readonly budget?: readonly string[];
  readonly tie?: readonly (readonly string[])[];
  readonly pin?: readonly (readonly [string, number])[];
  readonly json?: boolean;
}

/** Exit code where the budgets can't be met. */
const INFEASIBLE = 3;

/** `curvature allocate`: resolves to the exit code. */
export async function runAllocate(file: string, flags: AllocateFlags): Promise<number> {
  const { budget = [], tie = [], pin = [], json, ...options } = flags;
  const found = await allocateFile(await readText(file), {
    ...options,
    budgets: budget,
    ties: tie,
    pins: Object.fromEntries(pin),
  });
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : answerToText(found));
  return found.feasible ? 0 : INFEASIBLE;
}

function answerToText({
  bits,
  stability,
  objective,
  costs,
  budgets,
  binding,
  message,
  draws,
}: Answer): string {
  const header = ['layer', 'bits', ...(stability ? ['kept'] : [])];
  const rows = Object.entries(bits).map(([name, width]) => [
    ...[name, String(width)],
    ...(stability ? [`${Math.round(100 * stability[name])} %`] : []),
  ]);
  const limits = new Map(budgets.map(({ cost, limit }) => [cost, limit]));
  const totals = Object.entries(costs).map(([name, total]) => {
    const limit = limits.get(name);
    return `${name} ${formatNumber(total)}${limit === undefined ? '' : ` of ${formatNumber(limit)}`}`;
  });
  return [
    ...alignColumns([header, ...rows], column => column === 0),
    '',
    `Sum of sensitivities ${formatNumber(objective)}; ${totals.join(', ')}.`,
    ...(message === undefined ? [] : [message]),
    ...(binding.length > 0 ? [`What limits the choice: ${binding.join(', ')}.`] : []),
    ...(draws === undefined
      ? []
      : [`Kept: share of ${draws} redraws of the sensitivities in which the width stays.`]),
    '',
  ].join('\n');
}
