/**
 * For weights with errors of random signs and mean square s_l in layer l, ½δᵀHδ has the mean ½Σ s_l tr(H_ll), which is what the layers cost alone. What
 * they cost through each other, Σ_{l≠m} δ_lᵀH_lm δ_m / 2, has the mean 0 and the variance ½ Σ_{l≠m} s_l s_m ‖H_lm‖_F².
 * @returns the standard deviation of the second beside the first; 0 where there is no second
 */
export function interactionSpread(
  squares: readonly (readonly number[])[],
  traces: readonly number[],
  meanSquares: readonly number[],
): number {
  const alone = traces.reduce((sum, trace, l) => sum + meanSquares[l] * trace, 0) / 2;
  const variance =
    squares.reduce(
      (sum, row, l) =>
        sum + row.reduce((s, square, m) => s + (l === m ? 0 : meanSquares[l] * meanSquares[m] * square), 0),
      0,
    ) / 2;
  return variance > 0 ? Math.sqrt(variance) / Math.abs(alone) : 0;
}
