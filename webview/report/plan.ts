import type { Decisions } from '../../src/engine/analysis/decisions';
import { reallocation, type Reallocation } from '../../src/engine/analysis/reallocate';
import { amountsOf, FLOAT32 } from '../../src/engine/analysis/reportProblem';
import type { FrontierPoint, LayerReport, Report } from '../../src/engine/report/schema';
import type { Choices } from '../shared/channel';

/** The widths that the page shows, and how they came about. */
export interface Plan {
  readonly choices: Choices;
  /** Whether anything differs from what the report suggests. */
  readonly isOwn: boolean;
  readonly allocation: Reallocation;
  /** In bytes. */
  readonly limit: number;
  readonly feasible: boolean;
  /** Widths in the order of the layers; null where a layer takes no part. */
  readonly bits: FrontierPoint['bits'];
}

/** Without what names layers or widths that this report hasn't: the page may have been kept from an earlier one. */
export function fitting(choices: Choices, report: Report): Choices {
  const byName = new Map(report.layers.map(layer => [layer.name, layer]));
  const hasWidth = (name: string, bits?: number): boolean => {
    const widths = Object.keys(byName.get(name)?.sensitivity ?? {});
    return widths.length > 0 && (bits === undefined || bits === FLOAT32 || widths.includes(String(bits)));
  };
  return {
    budget: choices.budget,
    pins: Object.fromEntries(Object.entries(choices.pins).filter(([name, bits]) => hasWidth(name, bits))),
    ties: choices.ties.map(tie => tie.filter(name => hasWidth(name))).filter(tie => tie.length > 1),
  };
}

let last: { key: unknown; decisions: string; allocation: Reallocation | undefined } | undefined;

/** The problem under pins and ties stays the same while a slider moves. */
function allocationOf(report: Report, { pins, ties }: Choices): Reallocation | undefined {
  const decisions = JSON.stringify([pins, ties]);
  if (last?.key !== report.layers || last.decisions !== decisions) {
    last = { key: report.layers, decisions, allocation: reallocation(report.layers, { pins, ties }) };
  }
  return last.allocation;
}

/** Undefined where the report suggests no widths, as before its end. */
export function planOf(report: Report, wanted: Choices): Plan | undefined {
  const { budget } = report;
  if (!budget) return undefined;
  const choices = fitting(wanted, report);
  const allocation = allocationOf(report, choices);
  if (!allocation) return undefined;
  const limit = choices.budget ?? budget.bytes;
  const isOwn = limit !== budget.bytes || hasDecisions(choices);
  if (!isOwn) {
    const bits = report.layers.map(layer => layer.bits);
    return { choices, isOwn, allocation, limit, feasible: budget.feasible, bits };
  }
  const { feasible, bits } = allocation.within(limit);
  return { choices, isOwn, allocation, limit, feasible, bits };
}

export const hasDecisions = ({ pins, ties }: Decisions): boolean =>
  ties.length > 0 || Object.keys(pins).length > 0;

/** The report as if it had suggested the plan's widths, so that everything on the page speaks of these. */
export function withPlan(report: Report, plan: Plan | undefined): Report {
  if (!plan?.isOwn || !report.budget) return report;
  const layers = report.layers.map((layer, l) => withWidth(layer, plan.bits[l] ?? null));
  const budget = {
    ...{ ...report.budget, bytes: plan.limit, feasible: plan.feasible },
    ...{ chosen: amountsOf(layers), joint: undefined },
  };
  return { ...report, layers, budget };
}

/** In float32 a layer loses nothing and takes 4 bytes a weight. */
function withWidth(layer: LayerReport, bits: number | null): LayerReport {
  if (bits !== FLOAT32) return bits === layer.bits ? layer : { ...layer, bits };
  const with32 = (table: Readonly<Record<string, number>>, value: number) => ({
    ...table,
    [String(FLOAT32)]: value,
  });
  return {
    ...layer,
    bits,
    sizeBytes: with32(layer.sizeBytes, 4 * layer.parameters),
    sensitivity: with32(layer.sensitivity, 0),
    sensitivityStderr: with32(layer.sensitivityStderr, 0),
  };
}

/** The widths by name, as `*.bits.json` holds them. */
export const bitsByName = (report: Report, { bits }: Plan): Record<string, number> =>
  Object.fromEntries(report.layers.flatMap(({ name }, l) => (bits[l] === null ? [] : [[name, bits[l]]])));
