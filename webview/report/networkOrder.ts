interface Named {
  readonly name: string;
}

/** Positions of what studies list, as layers follow each other in the network; what that doesn't have comes last. */
export function networkOrder(listed: readonly Named[], network: readonly Named[]): number[] {
  const places = new Map(network.map(({ name }, index) => [name, index]));
  const placeOf = (index: number): number => places.get(listed[index].name) ?? network.length;
  return listed.map((_, index) => index).sort((a, b) => placeOf(a) - placeOf(b) || a - b);
}

export const inNetworkOrder = <T extends Named>(listed: readonly T[], network: readonly Named[]): T[] =>
  networkOrder(listed, network).map(index => listed[index]);
