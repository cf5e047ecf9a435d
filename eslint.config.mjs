import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/**
 * The layers of the engine in import order: a folder imports only folders before it. `index.ts`, the façade, may import
 * all of them. Everything outside the engine goes through the façade or takes plain report types.
 */
export const engineLayers = [
  'util',
  'onnx',
  'graph',
  'ops',
  'autodiff',
  'runtime',
  'data',
  'curvature',
  'estimators',
  'training',
  'quantization',
  'sensitivity',
  'allocation',
  'export',
  'report',
  'analysis',
];

const outsideEngine = ['protocol', 'server', 'cli', 'extension', 'webview'];
const vscodeBan = { group: ['vscode'], message: 'Only src/extension* may import vscode.' };
const ortBan = {
  group: ['onnxruntime-node', 'onnxruntime-common'],
  message: 'Only src/engine/runtime may import ONNX Runtime.',
};
const highsBan = { group: ['highs'], message: 'Only src/engine/allocation may import HiGHS.' };
const chartBan = {
  group: ['chart.js', 'chart.js/*', 'chartjs-*'],
  message: 'Only webview/shared/chart.ts may import chart.js.',
};
const toolkitBan = {
  group: ['@vscode/webview-ui-toolkit'],
  message: 'Only webview/shared/controls.ts may import the toolkit.',
};

const restrict = (files, patterns, ignores = []) => ({
  files,
  ignores,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

export default tseslint.config(
  { ignores: ['dist', 'out', 'node_modules', '.vscode-test', 'test/fixtures', 'media'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // node:test reports what its promises would tell.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'describe', 'it', 'suite'] },
          ],
        },
      ],
      eqeqeq: 'error',
    },
  },
  ...engineLayers.map((layer, i) =>
    restrict(
      [`src/engine/${layer}/**`],
      [
        vscodeBan,
        ...(layer === 'runtime' ? [] : [ortBan]),
        ...(layer === 'allocation' ? [] : [highsBan]),
        {
          group: [
            ...engineLayers.slice(i + 1).map(l => `**/${l}/**`),
            ...outsideEngine.map(l => `**/${l}/**`),
          ],
          message: `engine/${layer} may import only: ${engineLayers.slice(0, i).join(', ') || 'errors'}.`,
        },
      ],
    ),
  ),
  restrict(['src/protocol/**', 'src/server/**', 'src/cli/**'], [vscodeBan, ortBan, highsBan]),
  restrict(['src/extension.ts', 'src/extension/**'], [ortBan]),
  restrict(
    ['webview/**'],
    [vscodeBan, ortBan, highsBan, chartBan, toolkitBan],
    ['webview/shared/chart.ts', 'webview/shared/controls.ts'],
  ),
  restrict(['webview/shared/chart.ts'], [vscodeBan, ortBan, toolkitBan]),
  restrict(['webview/shared/controls.ts'], [vscodeBan, ortBan, chartBan]),
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        process: 'readonly',
        Buffer: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
      },
    },
  },
  prettier,
);
