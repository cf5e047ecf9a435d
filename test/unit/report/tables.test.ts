import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layersToCsv } from '../../../src/engine/report/csv';
import { formatBytes, formatEstimate, formatNumber } from '../../../src/engine/report/format';
import { reportToText } from '../../../src/engine/report/text';
import { sampleReport } from '../../support/report';

test('the terminal shows layers in aligned columns and what was found in all', () => {
  assert.equal(
    reportToText(sampleReport()),
    [
      'layer                  op      shape    parameters    GGN trace  average      Ω(4)     Ω(8)  bits',
      'features.conv1.weight  Conv    8×1×3×3          72  12.5 ± 0.25   0.1736  0.005566  1.23e-5     8',
      'fc, "last"             MatMul  32×10           320       1.23e6     3858     771.6    3.858     4',
      'embedding              Gather  26×3             78            –        –         –        –     –',
      '',
      'Loss (cross-entropy): 0.04211 on 64 samples of eval.npz. Bits are chosen by the traces of the Gauss–Newton matrix.',
      "embedding: not reached (operator 'Custom' of node '/custom' has no derivative).",
      "For 2 of 3 layers the Hessian's trace equals the GGN's: from there to the loss the model is piecewise linear.",
      'Largest eigenvalues of the Hessian: 3.932, 2.093 (not converged); smallest: -0.1113.',
      'Suggested bits: 304 B (6.204 bits per weight), ΣΩ 771.6, for a budget of 0.5 (366 B).',
      '',
    ].join('\n'),
  );
});

test('layers whose weights share one scale at the suggested bits are named', () => {
  const report = sampleReport();
  const settings = { ...report.settings, granularity: 'auto' as const };
  const layers = report.layers.map(l => ({ ...l, granularity: { '4': 'tensor', '8': 'channel' } as const }));
  assert.match(
    reportToText({ ...report, settings, layers }),
    /^At the suggested bits all weights of a layer share a scale in fc, "last"; scales per channel would take/m,
  );
});

test('what did not come to its end is said below the table', () => {
  const report = sampleReport();
  const [conv, , embedding] = report.layers;
  const text = reportToText({
    ...report,
    complete: false,
    stopped: { reason: 'cancelled', message: 'The analysis was cancelled.' },
    loss: null,
    data: { source: 'synthetic', arrays: [] },
    eigenvalues: [],
    budget: null,
    settings: { ...report.settings, sensitivityMatrix: 'hessian' },
    layers: [
      {
        ...conv,
        trace: {
          hessian: { estimate: -2, stderr: 1.234, samples: 100, seed: 0, exact: false, converged: false },
        },
      },
      { ...embedding, status: 'pending', reason: undefined },
    ],
  });
  assert.match(text, /conv1\.weight .* -2 ± 1\.2 /);
  assert.match(
    text,
    /Loss \(cross-entropy\): not known on 64 samples of synthetic inputs\. Bits are chosen by the traces of the Hessian\./,
  );
  assert.match(text, /embedding: not analysed before the run stopped\./);
  assert.match(text, /Stopped \(cancelled\): The analysis was cancelled\.\n$/);
  assert.doesNotMatch(text, /eigenvalues|Suggested/);
});

test('a layer that was not measured by exact derivatives has a word for it', () => {
  const report = sampleReport();
  const [conv, fc, embedding] = report.layers;
  const layers = [
    { ...conv, method: 'differences' as const },
    { ...fc, method: 'exact' as const },
    embedding,
  ];
  const lines = reportToText({ ...report, layers }).split('\n');
  assert.match(lines[1], /1\.23e-5 {5}8 {2}differences$/);
  assert.match(lines[2], /3\.858 {5}4$/);
  assert.ok(
    lines.includes(
      '1 of 3 layers have no derivative: their GGN traces come from differences of forward runs.',
    ),
  );
  assert.match(layersToCsv({ ...report, layers }), /,104,8,differences,\r\n/);
});

test('a budget that could not be met carries its message', () => {
  const report = sampleReport();
  const budget = report.budget ?? assert.fail();
  assert.match(
    reportToText({ ...report, budget: { ...budget, feasible: false, message: 'Too small.' } }),
    /\nToo small\.\n/,
  );
});

test('CSV has a line per layer and a group of columns per bit width', () => {
  const lines = layersToCsv(sampleReport()).split('\r\n');
  assert.deepEqual(lines, [
    'name,op_type,shape,parameters,status,reason,ggn_trace,ggn_trace_stderr,hessian_trace,hessian_trace_stderr,average_trace,' +
      'quantization_error_4,sensitivity_4,sensitivity_stderr_4,bytes_4,quantization_error_8,sensitivity_8,sensitivity_stderr_8,bytes_8,bits,method,scales',
    `features.conv1.weight,Conv,8x1x3x3,72,analysed,,12.5,0.25,,,${12.5 / 72},0.03206,0.005566,0.0001113,68,0.00007087,0.0000123,2.46e-7,104,8,,`,
    '"fc, ""last""",MatMul,32x10,320,analysed,,1234567,0,,,3858.02,0.2,771.6,0,200,0.001,3.858,0,360,4,,',
    `embedding,Gather,26x3,78,not-reached,operator 'Custom' of node '/custom' has no derivative,,,,,,0.1,,,51,0.01,,,90,,,`,
    '',
  ]);
});

test('CSV tells what has a scale of its own at the chosen width', () => {
  const report = sampleReport();
  const [conv] = report.layers;
  const layers = [
    { ...conv, granularity: { 4: 'channel' as const, 8: 'tensor' as const } },
    { ...conv, granularity: { 4: 'channel' as const, 8: 'tensor' as const }, bits: 4 },
    { ...conv, bits: null },
  ];
  const ends = layersToCsv({ ...report, layers }).split('\r\n');
  assert.deepEqual(
    ends.slice(1, 4).map(line => line.split(',').slice(-3)),
    [
      ['8', '', 'tensor'],
      ['4', '', 'channel'],
      ['', '', ''],
    ],
  );
});

test('a name that a spreadsheet would run is defused, a negative number is not', () => {
  const report = sampleReport();
  const csv = layersToCsv({ ...report, layers: [{ ...report.layers[0], name: '=cmd()', averageTrace: -1 }] });
  assert.match(csv, /\r\n'=cmd\(\),Conv,.*,-1,/);
});

const numbers: [number, string][] = [
  [0, '0'],
  [1.23456, '1.235'],
  [-99999, '-100000'],
  [123456, '1.23e5'],
  [0.001, '0.001'],
  [0.00012345, '1.23e-4'],
  [-1e-9, '-1.00e-9'],
];
const sizes: [number, string][] = [
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 KB'],
  [999_700, '1 MB'],
  [1_234_567, '1.23 MB'],
  [5e15, '5000 TB'],
];
test('numbers and sizes are short', () => {
  for (const [value, text] of numbers) assert.equal(formatNumber(value), text);
  for (const [value, text] of sizes) assert.equal(formatBytes(value), text);
  const estimate = { estimate: 3, stderr: 0.0678, samples: 2, seed: 0, exact: false, converged: true };
  assert.equal(formatEstimate(estimate), '3 ± 0.068');
  assert.equal(formatEstimate({ ...estimate, stderr: 0, exact: true }), '3');
});
