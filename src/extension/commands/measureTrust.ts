import { measure } from '../measure';

/** How far the second-order model holds along the quantization errors. */
export const measureTrust = measure('trust');
