import { type Shortfall, shortfalls } from '../autodiff/order';
import { type Obstacle, obstacles } from '../autodiff/reach';
import type { Layer } from '../curvature/layers';
import type { Parameter } from '../curvature/parameters';
import { boundInputs, type Problem } from '../curvature/problem';
import { ancestors } from '../graph/topology';
import type { Diagnostic, Method } from '../report/schema';
import type { Model } from './model';
import { originOf } from './origin';
import type { Unrunnable } from './runnable';

/** What of a model can be measured, and by what. */
export interface Measurable {
  /** How each layer that the loss depends on can be measured, by initializer. */
  readonly methods: ReadonlyMap<string, Method>;
  /** Layers with derivatives of both orders. */
  readonly reached: readonly Layer[];
  /** Parameters of the same kind. */
  readonly parameters: readonly Parameter[];
  /** Parameters that the loss depends on and that are not of that kind. */
  readonly withoutDerivatives: readonly Parameter[];
  /** Layers in branches that are not taken, by initializer. */
  readonly aside: ReadonlySet<string>;
  /** Why a layer is not reached, or not by exact derivatives, by initializer. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Nodes whose rules don't give both derivatives. */
  readonly shortfalls: ReadonlyMap<string, Shortfall>;
  /** Nodes that ONNX Runtime has no implementation of. */
  readonly unrunnable: ReadonlySet<string>;
  readonly diagnostics: readonly Diagnostic[];
}

/** @param diagnostics what is known already; the operators that derivatives can't pass are told after it */
export function howToMeasure(
  model: Model,
  problem: Problem,
  unrunnable: readonly Unrunnable[],
  diagnostics: readonly Diagnostic[],
): Measurable {
  const { graph, types } = problem.prepared;
  const present = ancestors(graph.nodes, [problem.loss.logits]);
  const sources = new Set(model.parameters.map(p => p.name).filter(name => present.has(name)));
  const lacking = shortfalls(graph, types, sources);
  const ofFile = new Set(model.graph.nodes.map(n => n.name));
  const blocked = new Map(
    [...obstacles(graph.nodes, problem.loss.logits, lacking)].map(([name, obstacle]) => [
      name,
      { ...obstacle, node: originOf(obstacle.node, ofFile) },
    ]),
  );
  const methodOf = (name: string): Method | undefined =>
    present.has(name) ? methods[blocked.get(name)?.order ?? 2] : undefined;
  const [lost] = unrunnable;
  const whyAbsent = lost
    ? `Its result can't be computed: node "${lost.nodes[0]}" (${lost.opType}) is unknown to ONNX Runtime.`
    : 'The loss does not depend on this layer.';
  const whole = new Set(graph.nodes.map(n => n.name));
  const taken = new Set(
    model.graph.nodes.filter(n => n.captures.length > 0 && !whole.has(n.name)).map(n => n.name),
  );
  const aside = new Set(model.layers.filter(l => l.nodes.every(n => taken.has(n))).map(l => l.initializer));
  const reasonOf = (name: string): string | undefined => {
    if (present.has(name)) return obstacleText(blocked.get(name));
    return aside.has(name) ? `It belongs to a branch that is not taken ${givenText(problem)}.` : whyAbsent;
  };
  const met = new Map([...blocked].filter(([name]) => sources.has(name)).map(([, o]) => [o.node, o]));
  const initializers = model.layers.map(l => l.initializer);
  return {
    methods: byName(initializers, methodOf),
    reached: model.layers.filter(l => methodOf(l.initializer) === 'exact'),
    parameters: model.parameters.filter(p => methodOf(p.name) === 'exact'),
    withoutDerivatives: model.parameters.filter(p => present.has(p.name) && methodOf(p.name) !== 'exact'),
    aside: new Set([...aside].filter(name => !present.has(name))),
    reasons: byName(initializers, reasonOf),
    shortfalls: lacking,
    unrunnable: new Set(unrunnable.flatMap(u => u.nodes)),
    diagnostics: [...diagnostics, ...[...met.values()].map(obstacleDiagnostic)],
  };
}

/** What settles the branches of a model before it runs. */
function givenText({ dataset }: Problem): string {
  const numbers = boundInputs(dataset).filter(i => i.data.length === 1);
  if (numbers.length === 0) return 'for inputs of these shapes';
  return `where ${numbers.map(i => `"${i.name}" is ${i.data[0]}`).join(' and ')}`;
}

/** What can be done with derivatives of order 0, 1 and 2. */
const methods = ['differences', 'ggn', 'exact'] as const;

const byName = <T>(names: readonly string[], valueOf: (name: string) => T | undefined): Map<string, T> =>
  new Map(
    names.flatMap(name => {
      const value = valueOf(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

const obstacleText = (obstacle: Obstacle | undefined): string | undefined =>
  obstacle &&
  `Node "${obstacle.node}" (${obstacle.opType}), on its way to the loss, has no ${obstacle.order === 0 ? '' : 'second '}derivative${obstacle.why ? `: ${obstacle.why}` : ' rule'}.`;

const obstacleDiagnostic = ({ node, opType, order, why }: Obstacle): Diagnostic =>
  order === 0
    ? {
        severity: 'warning',
        code: 'no-derivative',
        node,
        message: `Operator ${opType} of node "${node}" has no derivative rule${why ? ` that works here (${why})` : ''}; layers before it are measured by differences.`,
      }
    : {
        severity: 'info',
        code: 'first-derivative-only',
        node,
        message: `Operator ${opType} of node "${node}" has no second derivative (${why}); layers before it are measured by the GGN.`,
      };
