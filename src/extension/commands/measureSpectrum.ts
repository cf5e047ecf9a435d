import { measure } from '../measure';

/** The spectrum of the whole model, or of the layers chosen. */
export const measureSpectrum = measure('spectrum');
