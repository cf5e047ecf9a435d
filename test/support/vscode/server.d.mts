import type { Browser } from 'playwright-core';

export interface Server {
  readonly output: () => string;
  readonly url: (folder: string, payload?: Readonly<Record<string, string>>) => string;
  readonly remote: (file: string) => string;
  readonly stop: () => Promise<void>;
}

export interface ServerOptions {
  readonly dist: string;
  readonly home: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export const chromiumPath: string;
export function missingBrowser(): string | undefined;
export function launchBrowser(): Promise<Browser>;
export function makeHome(): { readonly folder: string; readonly remove: () => void };
export function installExtension(dist: string, home: string, extension: string): void;
export function startServer(options: ServerOptions): Promise<Server>;
