import type { GraphBuilder } from '../graph/builder';
import type { Site } from './rule';

/**
 * Brings one node to a form that rules know. Returns the values that stand for its outputs, or undefined where the node
 * is canonical already. `version` is the operator set the node was written for.
 */
export type Canonical = (b: GraphBuilder, at: Site, version: number) => readonly string[] | undefined;
