import { measure } from '../measure';

/** Whether training is stable at the weights of a model. */
export const measureStability = measure('stability');
