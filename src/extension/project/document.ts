import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import type { Training } from '../../engine/training/optimizers';
import { trainingSchema } from '../../engine/training/projectFile';
import { type JsonProperty, propertiesOf, type Replacement } from '../json/spans';

/** One setting of training where it stands in a project's file. */
export interface TrainingEntry extends Omit<JsonProperty, 'key' | 'content'> {
  readonly setting: keyof Training;
}

export interface ProjectDocument {
  readonly text: string;
  /** The settings that can be read; what the schema forbids is its own remark. */
  readonly training: Partial<Training>;
  readonly entries: readonly TrainingEntry[];
}

const isSetting = (key: string): key is keyof Training => key in trainingSchema.shape;

/** Reads as much as is there: a file that is being typed is seldom whole. */
export function readProjectDocument(text: string): ProjectDocument {
  const root = parseTree(text);
  const found = root && propertiesOf(findNodeAtLocation(root, ['training']));
  const training: Partial<Record<keyof Training, unknown>> = {};
  const entries = (found ?? []).flatMap(({ key, content, ...spans }): TrainingEntry[] => {
    if (!isSetting(key)) return [];
    const { success, data } = trainingSchema.shape[key].safeParse(content);
    if (success) training[key] = data;
    return [{ setting: key, ...spans }];
  });
  return { text, training: training as Partial<Training>, entries };
}

/** What to write where, so that the file has these settings; new ones go behind the last, on a line of their own where that has one. */
export function replacements(
  { text, training, entries }: ProjectDocument,
  changed: Partial<Training>,
): Replacement[] {
  const wanted = (Object.keys(changed) as (keyof Training)[]).filter(
    setting => changed[setting] !== training[setting],
  );
  const placed = wanted.flatMap(setting => {
    const entry = entries.find(one => one.setting === setting);
    return entry ? [{ where: entry.value, text: JSON.stringify(changed[setting]) }] : [];
  });
  const last = entries.at(-1)?.whole;
  const added = wanted.filter(setting => !entries.some(one => one.setting === setting));
  if (!last || added.length === 0) return placed;
  const gap = /\s*$/.exec(text.slice(0, last.offset))?.[0] || ' ';
  const lines = added.map(
    setting => `,${gap}${JSON.stringify(setting)}: ${JSON.stringify(changed[setting])}`,
  );
  return [...placed, { where: { offset: last.offset + last.length, length: 0 }, text: lines.join('') }];
}
