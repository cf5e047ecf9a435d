import { measure } from '../measure';

/** How much curvature the layers of a model share. */
export const measureCoupling = measure('coupling');
