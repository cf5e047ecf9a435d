import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ReportComparison } from '../engine/report/compareReports';
import type { Report } from '../engine/report/schema';
import type { CompareState } from '../protocol/compareView';
import type { ViewState } from '../protocol/view';

/** A page's bundle as text. */
export interface ReportAssets {
  readonly script: string;
  readonly style: string;
}

/** Reads the bundle from the folder that esbuild writes to. */
export async function loadAssets(
  distFolder: string,
  page: 'report' | 'compare' = 'report',
): Promise<ReportAssets> {
  const read = (name: string) => readFile(path.join(distFolder, 'webview', name), 'utf8');
  const [script, style] = await Promise.all([read(`${page}.js`), read(`${page}.css`)]);
  return { script, style };
}

/** What the page shows of a report that stands by itself. */
function stateOf(report: Report): ViewState {
  const stopped = report.stopped?.reason === 'failed' ? 'failed' : 'cancelled';
  return {
    modelName: report.model.file.split(/[\\/]/).at(-1) ?? report.model.file,
    phase: report.complete ? 'done' : stopped,
    report,
    canAnalyze: false,
  };
}

/** JSON that no HTML parser ends early and that old JavaScript parsers read as well. */
const jsonInHtml = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const textInHtml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A saved page carries no source map, and a parser must not see the end of its element within it. */
const inline = (code: string): string =>
  code
    .replace(/^(?:\/\/|\/\*)# sourceMappingURL=.*$/gm, '')
    .replaceAll('\r\n', '\n')
    .replace(/<\/(script|style)/gi, '<\\/$1')
    .replace(/<(script)/gi, '\\x3c$1');

/**
 * The toolkit tries out `:focus-visible` in an empty style element. This hash admits that one and no other inline
 * style; without it the browser reports a violation and focus rings fall back to plain `:focus`.
 */
export const emptyStyleSource = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";

const hashSource = (code: string): string => `'sha256-${createHash('sha256').update(code).digest('base64')}'`;

/** The report as one HTML file that needs nothing else. */
export function renderHtml(report: Report, assets: ReportAssets): string {
  const state = stateOf(report);
  return renderPage(state.modelName, state, assets);
}

/** Two reports side by side as one HTML file; `names` are those of their files. */
export function renderComparison(
  comparison: ReportComparison,
  [a, b]: readonly [string, string],
  assets: ReportAssets,
): string {
  const state: CompareState = {
    title: `${a} ↔ ${b}`,
    names: { a, b },
    sources: [],
    comparison,
    hessians: { phase: 'unavailable', reason: 'A saved page runs nothing.' },
  };
  return renderPage(state.title, state, assets);
}

/**
 * A page with its state. Its policy names the hashes of the two inlined parts, so that nothing but them runs, whatever names
 * the model holds.
 */
function renderPage(title: string, state: unknown, assets: ReportAssets): string {
  const script = inline(assets.script);
  const style = inline(assets.style);
  const policy = `default-src 'none'; script-src ${hashSource(script)}; style-src ${hashSource(style)} ${emptyStyleSource}; img-src data:; font-src data:`;
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${textInHtml(title)} – Curvature</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    `<script type="application/json" id="curvature-state">${jsonInHtml(state)}</script>`,
    `<script>${script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
