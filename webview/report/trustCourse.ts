import type { TrustStep } from '../../src/engine/report/trust';

/** A course of something along a step: what was measured, and what the model says. */
export interface Course {
  readonly title: string;
  readonly measured: readonly {
    readonly share: number;
    readonly value: number;
    /** What the prediction may be off by; 0 where none is asked for. */
    readonly slack: number;
    readonly predicted: number;
    readonly isTrusted: boolean;
  }[];
  readonly predicted: readonly { readonly share: number; readonly value: number }[];
  /** What rounding leaves uncertain on either side of zero; 0 for none. */
  readonly rounding: number;
}

const CURVE = 40;

/** ΔL = s gᵀδ + s² ½ δᵀHδ against what was measured at a few shares s of the step. */
export function lossCourse(
  { points, firstOrder, secondOrder }: TrustStep,
  tolerance: number,
  rounding: number,
): Course {
  return {
    title: 'Change of the loss',
    measured: [
      { share: 0, value: 0, slack: 0, predicted: 0, isTrusted: true },
      ...points.map(({ share, loss, isTrusted }) => ({
        share,
        value: loss.measured,
        slack: tolerance * Math.abs(loss.measured) + rounding,
        predicted: loss.predicted,
        isTrusted,
      })),
    ],
    predicted: Array.from({ length: CURVE + 1 }, (_, i) => {
      const share = i / CURVE;
      return { share, value: share * firstOrder + share * share * secondOrder };
    }),
    rounding,
  };
}

/** ‖∇L‖ of the layer, to which no tolerance is held. */
export const gradientCourse = ({ points }: TrustStep): Course => ({
  title: 'Norm of the gradient',
  measured: points.map(({ share, gradientNorm: { measured, predicted } }) => ({
    share,
    value: measured,
    slack: 0,
    predicted,
    isTrusted: true,
  })),
  predicted: points.map(({ share, gradientNorm }) => ({ share, value: gradientNorm.predicted })),
  rounding: 0,
});

/** A limit closer to zero than this share of the picture would lie on the axis. */
const VISIBLE = 0.01;

export function isRoundingVisible({ measured, predicted, rounding }: Course): boolean {
  const values = [...measured, ...predicted].map(({ value }) => Math.abs(value));
  return rounding > VISIBLE * Math.max(...values);
}
