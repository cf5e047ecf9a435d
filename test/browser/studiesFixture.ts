import type { CouplingReport } from '../../src/engine/report/coupling';
import type { Report } from '../../src/engine/report/schema';
import type { TrustReport, TrustStep } from '../../src/engine/report/trust';
import { smallReport, widths } from './fixtures';

const common = (report: Report) => ({
  tool: report.tool,
  model: { file: report.model.file, sha256: report.model.sha256 },
  data: report.data,
  device: 'CPU',
  samples: 128,
  diagnostics: [],
  timings: { total: 1.5 },
});

/** Layers whose curvature lies along few directions, the more alike the nearer they are; listed backwards. */
export function couplingOf(
  report: Report,
  sizes = report.layers.map((_, l) => 10 / (1 + l)),
): CouplingReport {
  const names = report.layers.map(({ name, parameters }) => ({ name, parameters })).reverse();
  const own = [...sizes].reverse();
  const norms = own.map((a, l) =>
    own.map((b, m) => {
      const estimate = Math.sqrt(a * b) * 0.8 ** Math.abs(l - m);
      return { estimate, stderr: l === 0 && m === 0 ? 0 : 0.05 * estimate };
    }),
  );
  return {
    ...common(report),
    format: 'curvature-coupling',
    version: 1,
    settings: {
      loss: 'cross-entropy',
      matrix: 'hessian',
      probes: 16,
      seed: 0,
      batch: 64,
      executionProvider: 'cpu',
    },
    layers: names,
    norms,
    traces: own.map(estimate => ({ estimate, stderr: 0.1 * estimate })),
    shareOutside: { estimate: 0.69, stderr: 0.029 },
    additivity: {
      bits: 4,
      spread: 0.55,
      verdict: 'not-additive',
      message:
        'Sensitivities of the layers should not be added: for errors of rounding to 4 bits with random signs, what layers cost through each other is ±55 % of the sum of what they cost alone (one standard deviation).',
    },
  };
}

export const TOLERANCE = 0.25;
export const ROUNDING = 1e-6;

/** A step along which the loss is s·first + s²·second + s³·third, of which the model knows the first two. */
export function stepOf(bits: number, first: number, second: number, third: number): TrustStep {
  const points = [0.25, 0.5, 1].map(share => {
    const predicted = share * first + share ** 2 * second;
    const measured = predicted + share ** 3 * third;
    const isTrusted = Math.abs(predicted - measured) <= TOLERANCE * Math.abs(measured) + ROUNDING;
    const gradientNorm = { measured: 0.1 + share * bits, predicted: 0.1 + share * bits * 0.9 };
    return { share, loss: { measured, predicted }, gradientNorm, isTrusted };
  });
  const firstDoubt = points.findIndex(({ isTrusted }) => !isTrusted);
  const trusted = firstDoubt < 0 ? points : points.slice(0, firstDoubt);
  return {
    bits,
    squaredError: 4 ** -bits,
    firstOrder: first,
    secondOrder: second,
    points,
    radius: trusted.at(-1)?.share ?? 0,
  };
}

/** Off at 2 bits for four layers, at 4 bits for the second layer at the end of the step, nowhere else. */
export function trustOf(report: Report): TrustReport {
  return {
    ...common(report),
    format: 'curvature-trust',
    settings: { loss: 'cross-entropy', tolerance: TOLERANCE, batch: 64, executionProvider: 'cpu' },
    rounding: ROUNDING,
    loss: 0.43,
    layers: report.layers.map(({ name }, l) => ({
      name,
      steps: widths.map(bits => {
        const size = 4 ** (2 - bits);
        if (bits === 2) return stepOf(bits, 0.1 * size, 0.2 * size, l < 4 ? 1.5 * size : 0.01 * size);
        if (bits === 4 && l === 1) return stepOf(bits, 0.01, 0.01, 0.015);
        // So little that rounding shows.
        if (bits === 8) return stepOf(bits, 2e-6, 2e-6, 0);
        return stepOf(bits, 0.1 * size, 0.2 * size, 0.01 * size);
      }),
    })),
  };
}

/** Widths up to 2 bits are measured; the second layer is to have 4. */
export function studiedReport(): Report {
  const whole = smallReport();
  const report: Report = {
    ...whole,
    settings: { ...whole.settings, measureUpTo: 2 },
    layers: whole.layers.map((layer, l) => (l === 1 ? { ...layer, bits: 4 } : layer)),
  };
  return { ...report, studies: { coupling: couplingOf(report), trust: trustOf(report) } };
}
