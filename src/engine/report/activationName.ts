/** What an activation is called among layers. */
export const activationName = (value: string): string => `activation:${value}`;

export const isActivationName = (name: string): boolean => name.startsWith(activationName(''));
