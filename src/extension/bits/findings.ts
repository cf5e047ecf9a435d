import { reallocation } from '../../engine/analysis/reallocate';
import { doubtOf, doubtText, trustedAbove } from '../../engine/report/doubt';
import type { LayerReport, Report } from '../../engine/report/schema';
import type { TrustStep } from '../../engine/report/trust';
import { nearestName } from '../../engine/util/nearestName';
import type { BitWidths } from '../chosenWidths';
import { formatPercent, visible } from '../text/format';

/** A layer that carries less of the predicted loss than this is not worth a warning, whatever its width. */
const SHARE_WORTH_TELLING = 0.1;
/** A better choice has to be better by this share of the loss; less is rounding. */
const GAIN = 1e-9;

export type BitsFinding =
  | { readonly kind: 'unknown-layer'; readonly layer: string; readonly nearest: string | undefined }
  | {
      readonly kind: 'width-not-measured';
      readonly layer: string;
      readonly measured: readonly number[];
      readonly suggested: number | null;
    }
  | { readonly kind: 'too-few-bits'; readonly layer: string; readonly share: number; readonly use: number }
  | {
      readonly kind: 'untrusted-width';
      readonly layer: string;
      readonly step: TrustStep;
      /** A wider one at which the second-order model holds. */
      readonly trusted: number | undefined;
    };

/** A width of a file, beside what the report says of it. */
export interface RatedWidth {
  readonly layer: LayerReport;
  readonly bits: number;
  readonly omega: number;
  /** Of what all widths of the file are predicted to cost; a negative Ω costs nothing. */
  readonly share: number;
}

/** The widths that the report has a figure for; float32 loses nothing and is no part of them. */
export function ratedWidths(bits: BitWidths, { layers }: Report): RatedWidth[] {
  const rated = layers.flatMap(layer => {
    const width = bits[layer.name];
    const omega = width === undefined ? undefined : layer.sensitivity[String(width)];
    return width === undefined || omega === undefined ? [] : [{ layer, bits: width, omega }];
  });
  const total = rated.reduce((sum, { omega }) => sum + Math.max(omega, 0), 0);
  return rated.map(width => ({ ...width, share: total > 0 ? Math.max(width.omega, 0) / total : 0 }));
}

/**
 * The layers with fewer bits than they stand. Such a layer carries at least a tenth of the loss that the file's widths are
 * predicted to cost, and gets more bits from the report's suggestion, or from the best choice of widths for the same
 * layers at the very size that the file has. The wider of the two is the one to use.
 */
export function tooFewBits(
  bits: BitWidths,
  report: Report,
): { readonly width: RatedWidth; readonly use: number }[] {
  const rated = ratedWidths(bits, report);
  const better = bestAtSameSize(rated);
  return rated.flatMap((width, l) => {
    const use = Math.max(width.layer.bits ?? 0, better[l] ?? 0);
    return width.share >= SHARE_WORTH_TELLING && use > width.bits ? [{ width, use }] : [];
  });
}

/** Widths of the least loss at the size that these take together; none where these are as good. */
function bestAtSameSize(rated: readonly RatedWidth[]): readonly (number | null)[] {
  const size = rated.reduce((sum, { layer, bits }) => sum + (layer.sizeBytes[String(bits)] ?? 0), 0);
  const loss = rated.reduce((sum, { omega }) => sum + omega, 0);
  const best = reallocation(rated.map(({ layer }) => layer))?.within(size);
  return best && loss - best.sensitivity > GAIN * Math.abs(loss) ? best.bits : [];
}

/** The file's widths with those raised that are too few, until none are. It ends, since widths only grow. */
export function withEnoughBits(bits: BitWidths, report: Report): BitWidths {
  let enough = bits;
  for (;;) {
    const few = tooFewBits(enough, report);
    if (few.length === 0) return enough;
    enough = { ...enough, ...Object.fromEntries(few.map(({ width, use }) => [width.layer.name, use])) };
  }
}

const FLOAT32 = 32;

export function bitsFindings(bits: BitWidths, report: Report): BitsFinding[] {
  const byName = new Map(report.layers.map(layer => [layer.name, layer]));
  const few = tooFewBits(bits, report).map(({ width: { layer, share }, use }): BitsFinding => ({
    kind: 'too-few-bits',
    layer: layer.name,
    share,
    use,
  }));
  const others = Object.entries(bits).flatMap(([name, width]): BitsFinding[] => {
    const layer = byName.get(name);
    if (!layer)
      return [{ kind: 'unknown-layer', layer: name, nearest: nearestName(name, [...byName.keys()]) }];
    const measured = Object.keys(layer.sensitivity).map(Number);
    if (width === FLOAT32 || measured.length === 0 || measured.includes(width)) return [];
    return [{ kind: 'width-not-measured', layer: name, measured, suggested: layer.bits }];
  });
  const untrusted = Object.entries(bits).flatMap(([layer, width]): BitsFinding[] => {
    const step = doubtOf(report, layer, width);
    return step
      ? [{ kind: 'untrusted-width', layer, step, trusted: trustedAbove(report, layer, width) }]
      : [];
  });
  return [...few, ...others, ...untrusted];
}

/** What Problems says. */
export function findingText(finding: BitsFinding, bits: number): string {
  const layer = visible(finding.layer);
  switch (finding.kind) {
    case 'unknown-layer': {
      const meant = finding.nearest === undefined ? '' : `; did you mean ${visible(finding.nearest)}?`;
      return `The report has no layer ${layer}${meant}`;
    }
    case 'width-not-measured':
      return `${layer}: the report has no figure for ${bits} bits; it has ${finding.measured.join(', ')}.`;
    case 'too-few-bits':
      return `${layer}: ${bits} bits carry ${formatPercent(finding.share)} of the predicted loss increase of these widths; it needs ${finding.use}.`;
    case 'untrusted-width': {
      const instead = finding.trusted === undefined ? '' : `; at ${finding.trusted} bits it holds`;
      return `${layer}: at ${bits} bits ${doubtText(finding.step)}${instead}.`;
    }
  }
}
