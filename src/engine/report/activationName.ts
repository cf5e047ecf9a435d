/** What an activation is called among layers. */
export const activationName = (value: string): string => `activation:${value}`;
