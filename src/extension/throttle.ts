/** Calls `action` at once and then at most every `ms`; the last call is never lost. */
export function throttle(action: () => void, ms: number): { call(): void; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  const fire = (): void => {
    again = false;
    action();
    timer = setTimeout(() => {
      timer = undefined;
      if (again) fire();
    }, ms);
  };
  return {
    call: () => {
      if (timer) again = true;
      else fire();
    },
    dispose: () => clearTimeout(timer),
  };
}
