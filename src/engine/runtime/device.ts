import os from 'node:os';
import type { Provider } from './providers';

/** Where an analysis runs. It goes over to the CPU for good when its provider fails on the way. */
export class Device {
  private failed: string | undefined;

  constructor(
    private readonly chosen: Provider,
    /** Providers of this platform that were tried and not taken, and why. */
    readonly refused: readonly Refusal[] = [],
  ) {}

  get provider(): Provider {
    return this.failed === undefined ? this.chosen : 'cpu';
  }

  /** Why the provider that was chosen is no longer in use. */
  get failure(): string | undefined {
    return this.failed === undefined
      ? undefined
      : `The execution provider "${this.chosen}" failed, and the CPU went on: ${this.failed}`;
  }

  /** A name for reports: the provider, for the CPU with the processor's model. */
  get name(): string {
    if (this.provider !== 'cpu') return this.provider;
    const model = os.cpus()[0]?.model.trim();
    return model ? `cpu (${model})` : 'cpu';
  }

  fallBack(reason: string): void {
    this.failed ??= reason;
  }
}

export interface Refusal {
  readonly provider: Provider;
  readonly reason: string;
}

export const cpuDevice = new Device('cpu');
