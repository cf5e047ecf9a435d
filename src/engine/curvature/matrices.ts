/** The curvature matrices of the mean loss; the last is the empirical Fisher matrix, (1/N) Σ g gᵀ over the gradients of the samples' own losses. */
export const matrices = ['hessian', 'ggn', 'fisher'] as const;
export type Matrix = (typeof matrices)[number];
