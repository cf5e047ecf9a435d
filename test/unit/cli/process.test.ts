import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const cli = path.resolve(__dirname, '../../../dist/cli.js');
const folder = mkdtempSync(path.join(tmpdir(), 'curvature-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...parameters: string[]) =>
  spawnSync(process.execPath, [cli, ...parameters], { cwd: folder, encoding: 'utf8', timeout: 60_000 });

test('--version prints the number alone', () => {
  const { status, stdout } = run('--version');
  assert.equal(status, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test('help explains each option, with its default and an example', () => {
  const main = run('--help');
  assert.equal(main.status, 0);
  assert.match(main.stdout, /analyze .*<model>[\s\S]*hvp .*<model>/);
  const analyze = run('analyze', '--help');
  assert.equal(analyze.status, 0);
  for (const option of [
    'data',
    'labels',
    'loss',
    'matrix',
    'eigenvalues',
    'samples',
    'batch',
    'rtol',
    'max-probes',
  ]) {
    assert.match(analyze.stdout, new RegExp(`--${option} <`), option);
  }
  for (const option of ['bits', 'budget', 'seed', 'ep', 'out', 'html', 'csv']) {
    assert.match(analyze.stdout, new RegExp(`--${option} <`), option);
  }
  assert.match(analyze.stdout, /default: 0\.05/);
  assert.match(analyze.stdout, /Example:\n {2}curvature analyze resnet\.onnx/);
});

const usageErrors: [string[], RegExp][] = [
  [[], /Usage: curvature/],
  [['analyse', 'm.onnx'], /error: unknown command 'analyse'[\s\S]*Did you mean analyze/],
  [['prove', 'm.onnx', '--data', 'd.npz'], /error: required option '--report <file>' not specified/],
  [['analyze'], /error: missing required argument 'model'/],
  [['analyze', 'm.onnx', 'n.onnx'], /error: too many arguments/],
  [['analyze', 'm.onnx', '--dta', 'x'], /error: unknown option '--dta'[\s\S]*Did you mean --data/],
  [
    ['analyze', 'm.onnx', '--loss', 'l1'],
    /error: option '--loss <name>' argument 'l1' is invalid\. Allowed choices are auto/,
  ],
  [['analyze', 'm.onnx', '--matrix', 'fisher'], /Allowed choices are ggn, hessian, both/],
  [['analyze', 'm.onnx', '--rtol', '0'], /option '--rtol <x>' argument '0' is invalid\. A number above 0/],
  [['analyze', 'm.onnx', '--bits', '1,4'], /argument '1,4' is invalid\. A whole number from 2 to 16/],
  [
    ['analyze', 'm.onnx', '--budget', 'small'],
    /argument 'small' is invalid\. The budget 'small' is not a size/,
  ],
  [['analyze', 'm.onnx', '--ep', 'tpu'], /Allowed choices are auto, cpu, cuda, webgpu, dml, coreml/],
  [['analyze', 'm.onnx', '--seed', '-1'], /argument '-1' is invalid/],
  [['analyze', 'm.onnx', '--max-probes', '1'], /argument '1' is invalid\. A whole number of at least 2/],
  [['spectrum', 'm.onnx', '--probes', '1'], /argument '1' is invalid\. A whole number of at least 2/],
  [
    ['spectrum', 'm.onnx', '--estimator', 'best'],
    /Allowed choices are auto, exact, xtrace, hutch\+\+, hutchinson/,
  ],
  [['spectrum', 'm.onnx', '--max-products', '5'], /A whole number of at least 8/],
  [['hvp', 'm.onnx'], /error: required option '-o, --output <file>' not specified/],
];
for (const [parameters, message] of usageErrors) {
  test(`'curvature ${parameters.join(' ')}' is bad usage`, () => {
    const { status, stdout, stderr } = run(...parameters);
    assert.match(stderr, message);
    assert.equal(stdout, '');
    assert.equal(status, 2);
  });
}

const unwritable: [string, string][] = [
  ['--out', 'missing/report.json'],
  ['--html', '.'],
  ['--csv', 'missing/layers.csv'],
];
for (const [option, file] of unwritable) {
  test(`${option} ${file} is refused before anything is run`, () => {
    const { status, stderr, stdout } = run('analyze', 'm.onnx', option, file);
    assert.match(stderr, new RegExp(`^error: '${file}' can't be written: .*\nhint: Choose a file`));
    assert.deepEqual([status, stdout], [2, '']);
  });
}

const badModels: [string, string | undefined][] = [
  ['missing.onnx', undefined],
  ['empty.onnx', ''],
  ['text.onnx', 'this is no model'],
];
for (const [file, content] of badModels) {
  test(`the model ${file} is bad input for all commands`, () => {
    if (content !== undefined) writeFileSync(path.join(folder, file), content);
    for (const parameters of [
      ['analyze', file, '--json'],
      ['hvp', file, '-o', 'out.onnx'],
      ['spectrum', file, '--json'],
    ]) {
      const { status, stdout, stderr } = run(...parameters);
      assert.match(stderr, new RegExp(`^error: .*${file}`, 'm'));
      // A stack is for bugs only.
      assert.doesNotMatch(stderr, /^ {4}at /m);
      assert.deepEqual([status, stdout], [2, '']);
    }
  });
}

const sample = path.resolve(__dirname, '../../../media/sample/digits_cnn.onnx');

test('coverage shows every file, one that fails with its error, and ends with the totals and exit code 2', () => {
  const good = run('coverage', sample);
  assert.equal(good.status, 0);
  assert.match(good.stdout, /8 of 8 layers measured; 100 % of 11792 weights exact\.\n {2}operator/);
  assert.match(good.stdout, /\n1 model: 1 complete; 100 % of 11792 weights exact\.\n$/);
  const mixed = run('coverage', 'missing.onnx', sample);
  assert.equal(mixed.status, 2);
  assert.match(mixed.stdout, /^missing\.onnx: .*can't be read.*\n\n.*digits_cnn\.onnx: 8 of 8/);
  assert.match(mixed.stdout, /\n2 models: 1 complete, 1 failed; /);
});

test('coverage --json prints one entry for each file', () => {
  const { status, stdout } = run('coverage', '--json', sample, 'missing.onnx');
  assert.equal(status, 2);
  const [good, bad] = JSON.parse(stdout) as Record<string, unknown>[];
  assert.deepEqual(good.parameters, {
    total: 11792,
    exact: 11792,
    ggn: 0,
    differences: 0,
    none: 0,
    aside: 0,
  });
  assert.deepEqual((good.operators as unknown[])[0], {
    opType: 'Relu',
    domain: '',
    support: 'exact',
    count: 7,
  });
  assert.deepEqual(
    [good.model, good.complete, bad.model, bad.complete],
    [sample, true, 'missing.onnx', false],
  );
  assert.match(String(bad.error), /can't be read/);
});

const problem = {
  layers: ['a', 'b', 'c'].map((name, l) => ({
    name,
    choices: [4, 8].map(bits => ({ bits, sensitivity: (l + 1) / bits, costs: { bytes: 100 * bits } })),
  })),
  budgets: [{ cost: 'bytes', limit: 1700 }],
  ties: [['a', 'b']],
  pins: { c: 4 },
};
const problemFile = (content: unknown): string => {
  writeFileSync(
    path.join(folder, 'problem.json'),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
  return 'problem.json';
};

test('allocate answers a problem file, and tells by its exit code what is not feasible', () => {
  const file = problemFile(problem);
  const { status, stdout } = run('allocate', file, '--json');
  const found = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([status, found.feasible, found.bits], [0, true, { a: 4, b: 4, c: 4 }]);
  const wider = run('allocate', file, '--budget', 'bytes=2000', '--json');
  assert.deepEqual((JSON.parse(wider.stdout) as Record<string, unknown>).bits, { a: 8, b: 8, c: 4 });
  const none = run('allocate', file, '--budget', '1000B', '--json');
  const nearest = JSON.parse(none.stdout) as Record<string, unknown>;
  assert.deepEqual([none.status, nearest.feasible, nearest.binding], [3, false, ['bytes']]);
  assert.match(run('allocate', file, '--pin', 'c=8', '--tie', 'b,c').stdout, /a +8\nb +8\nc +8\n/);
});

const edited = (change: (copy: typeof problem) => void): unknown => {
  const copy = structuredClone(problem);
  change(copy);
  return copy;
};
const badProblems: [string, unknown, RegExp][] = [
  ['no JSON', '{', /not JSON/],
  ['no layers', {}, /layers/],
  ['null', 'null', /well formed/],
  ['no choices', edited(p => (p.layers[0].choices = [])), /layers\[0\]\.choices/],
  [
    'NaN',
    JSON.stringify(problem).replace('"sensitivity":0.25', '"sensitivity":null'),
    /choices\[0\]\.sensitivity/,
  ],
  ['a negative cost', edited(p => (p.layers[1].choices[0].costs.bytes = -1)), /layers\[1\].*costs\.bytes/],
  [
    'a missing cost',
    edited(p => delete (p.layers[1].choices[0].costs as Partial<{ bytes: number }>).bytes),
    /no cost 'bytes'/,
  ],
  ['two layers of one name', edited(p => (p.layers[1].name = 'a')), /Two layers are named 'a'/],
  ['two choices of one width', edited(p => (p.layers[0].choices[1].bits = 4)), /two choices of 4 bits/],
  ['a tie with no layer', edited(p => p.ties.push(['a', 'z'])), /'z'/],
  ['a pin on no layer', edited(p => Object.assign(p.pins, { z: 4 })), /'z'/],
  ['a pin to no width', edited(p => (p.pins.c = 5)), /no choice of 5 bits; there are 4, 8/],
  [
    'a tie without a common width',
    edited(p => (p.layers[0].choices = [{ ...p.layers[0].choices[0], bits: 3 }])),
    /No width is common/,
  ],
  ['a budget on no cost', edited(p => (p.budgets[0].cost = 'energy')), /'energy'.*no such cost/],
];
for (const [what, content, message] of badProblems) {
  test(`allocate refuses a problem with ${what}`, () => {
    const { status, stdout, stderr } = run('allocate', problemFile(content), '--json');
    assert.match(stderr, /^error: /);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /^ {4}at /m);
    assert.deepEqual([status, stdout], [2, '']);
  });
}

test('spectrum prints the numbers, and with --json all nodes and weights', () => {
  const parameters = [
    'spectrum',
    sample,
    '--data',
    sample.replace('.onnx', '.npz'),
    '--ep',
    'cpu',
    '--samples',
    '16',
  ];
  const small = ['--layer', 'fc*', '--steps', '6', '--probes', '2', '--max-products', '12'];
  const text = run(...parameters, ...small);
  assert.equal(text.status, 0, text.stderr);
  assert.match(text.stdout, /^Hessian of .*digits_cnn\.onnx[\s\S]*λmax[\s\S]*λmin[\s\S]*trace .*±[\s\S]*█/);
  const { status, stdout } = run(...parameters, ...small, '--json', '--out', 'spectrum.json');
  assert.equal(status, 0);
  const report = JSON.parse(stdout) as { density: { quadratures: { nodes: number[] }[] } };
  assert.deepEqual(
    report.density.quadratures.map(q => q.nodes.length >= 6),
    [true, true],
  );
  assert.equal(readFileSync(path.join(folder, 'spectrum.json'), 'utf8'), stdout);
});
