import type { Highs, Model, ModelData } from 'highs';
import { invariant } from '../errors';
import { type CostedMenu, isWithin } from './limits';
import { type Search } from './searchWindows';

/** One option of each menu, with the sum of each cost within its limit. */
export interface Choice {
  readonly menus: readonly CostedMenu[];
  readonly limits: readonly number[];
}

/**
 * HiGHS stops where a better solution would gain less than its tolerances, and takes limits as kept that are
 * passed by less. They are absolute: with largest values of 10⁴ they stand for 10⁻¹³ of these.
 */
const exactly = {
  ...{ output_flag: false, mip_rel_gap: 0, mip_abs_gap: 0, time_limit: 60 },
  ...{
    mip_feasibility_tolerance: 1e-9,
    primal_feasibility_tolerance: 1e-9,
    dual_feasibility_tolerance: 1e-9,
  },
};
const LARGEST = 1e4;

/**
 * The least sensitive choice by branch and cut, starting from one that is known; no picks where there is none. What
 * it says is within the limits is added up again here, and excluded by name where that is the tolerance's doing.
 */
export function solveInteger(highs: Highs, choice: Choice, known: Search): Search {
  const { rows, columns, firstOf } = layOut(highs, choice);
  const integrality = new Int32Array(columns.numCols).fill(highs.constants.variableType.integer);
  return highs.withModel({ ...columns, ...rows, integrality }, model => {
    model.options.set(exactly);
    if (known.picks) {
      const colValue = new Float64Array(columns.numCols);
      known.picks.forEach((option, m) => (colValue[firstOf[m] + option] = 1));
      model.setSolution({ colValue });
    }
    for (;;) {
      model.run();
      const status = model.getModelStatus();
      const { optimal, infeasible, timeLimit } = highs.constants.modelStatus;
      if (status === infeasible) return { gap: 0 };
      if (status === timeLimit) return known;
      invariant(status === optimal, `HiGHS ended with status ${status}`);
      const picks = picksOf(model, choice.menus);
      if (isWithin(choice.menus, picks, choice.limits)) return { picks, gap: 0 };
      const indices = picks.map((option, m) => firstOf[m] + option);
      model.addRow(-highs.infinity, picks.length - 1, { indices, values: picks.map(() => 1) });
    }
  });
}

/**
 * The picks that pass the limits by the least number of `units`, of which each limit has its own; those known where the
 * search is given up. Every choice is possible here, so that the linear relaxation is sharp: some ten nodes for 300 menus.
 */
export function solveNearest(
  highs: Highs,
  choice: Choice,
  units: readonly number[],
  known: readonly number[],
): readonly number[] {
  const { rows, columns, scale } = layOut(highs, choice);
  const integrality = new Int32Array(columns.numCols).fill(highs.constants.variableType.integer);
  const colCost = new Float64Array(columns.numCols);
  return highs.withModel({ ...columns, ...rows, colCost, integrality }, model => {
    model.options.set(exactly);
    const scaled = units.map((unit, k) => unit * scale.costs[k]);
    const largest = Math.max(...scaled);
    // What alone has a price: by how much all limits are moved.
    model.addCol(1, 0, highs.infinity, {
      indices: units.map((_, k) => choice.menus.length + k),
      values: scaled.map(unit => -unit / largest),
    });
    model.run();
    return model.getModelStatus() === highs.constants.modelStatus.optimal
      ? picksOf(model, choice.menus)
      : known;
  });
}

function picksOf(model: Model, menus: readonly CostedMenu[]): number[] {
  const { colValue } = model.getSolution();
  let column = 0;
  return menus.map(menu => {
    const values = menu.map(() => colValue[column++]);
    return values.indexOf(Math.max(...values));
  });
}

/**
 * What the linear relaxation would gain per unit of each limit, never below 0; undefined where even fractions of
 * options can't keep the limits.
 */
export function shadowPrices(highs: Highs, choice: Choice): number[] | undefined {
  const { rows, columns, scale } = layOut(highs, choice);
  return highs.withModel({ ...columns, ...rows }, model => {
    model.options.set({ output_flag: false });
    model.run();
    if (model.getModelStatus() !== highs.constants.modelStatus.optimal) return undefined;
    const { rowDual } = model.getSolution();
    return scale.costs.map((factor, k) =>
      Math.max(0, (-rowDual[choice.menus.length + k] * factor) / scale.sensitivity),
    );
  });
}

interface Layout {
  readonly columns: Pick<ModelData, 'numCols' | 'colCost' | 'colLower' | 'colUpper'>;
  readonly rows: Pick<ModelData, 'numRows' | 'rowLower' | 'rowUpper' | 'matrix'>;
  /** The first column of each menu. */
  readonly firstOf: readonly number[];
  /** What sensitivities and costs are multiplied by. */
  readonly scale: { readonly sensitivity: number; readonly costs: readonly number[] };
}

/** A column for each option, a row for each menu and then one for each limit; all relative to each menu's first option. */
function layOut(highs: Highs, { menus, limits }: Choice): Layout {
  const options = menus.flatMap(menu =>
    menu.map(({ sensitivity, costs }) => ({
      sensitivity: sensitivity - menu[0].sensitivity,
      costs: costs.map((cost, k) => cost - menu[0].costs[k]),
    })),
  );
  const scaleOf = (values: readonly number[]): number => {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return largest > 0 ? LARGEST / largest : 1;
  };
  const scale = {
    sensitivity: scaleOf(options.map(({ sensitivity }) => sensitivity)),
    costs: limits.map((_, k) => scaleOf(options.map(({ costs }) => costs[k]))),
  };
  const firstOf: number[] = [];
  let numCols = 0;
  for (const menu of menus) {
    firstOf.push(numCols);
    numCols += menu.length;
  }

  const starts = [0];
  const indices: number[] = [];
  const values: number[] = [];
  menus.forEach((menu, m) => {
    menu.forEach((_, i) => {
      indices.push(firstOf[m] + i);
      values.push(1);
    });
    starts.push(indices.length);
  });
  limits.forEach((_, k) => {
    options.forEach(({ costs }, column) => {
      if (costs[k] === 0) return;
      indices.push(column);
      values.push(costs[k] * scale.costs[k]);
    });
    starts.push(indices.length);
  });
  const rooms = limits.map((limit, k) => limit - menus.reduce((sum, menu) => sum + menu[0].costs[k], 0));
  const numRows = menus.length + limits.length;
  return {
    columns: {
      numCols,
      colCost: options.map(({ sensitivity }) => sensitivity * scale.sensitivity),
      colLower: new Float64Array(numCols),
      colUpper: new Float64Array(numCols).fill(1),
    },
    rows: {
      numRows,
      rowLower: [...menus.map(() => 1), ...limits.map(() => -highs.infinity)],
      rowUpper: [...menus.map(() => 1), ...rooms.map((room, k) => room * scale.costs[k])],
      matrix: { format: 'csr', numRows, numCols, starts, indices, values },
    },
    firstOf,
    scale,
  };
}
