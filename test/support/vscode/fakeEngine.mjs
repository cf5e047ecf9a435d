// An engine without numbers, for the tests of the client: the model's name says how it behaves.
//   answers   reports progress, one partial result, and a whole one
//   slow      goes on until it is cancelled, and then says so at once
//   hangs     gives one partial result and never looks at messages again
//   silent    never answers, and gives nothing either
//   aborts    gives one partial result and dies of SIGABRT
//   exits     writes to stderr and exits with code 3
//   refuses   answers with an engine's error
//   breaks    answers with an error that is a bug
import process from 'node:process';
import {
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
  createMessageConnection,
} from 'vscode-jsonrpc/node.js';

const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
const partial = {
  format: 'curvature-report',
  complete: false,
  layers: [{ name: 'partial', status: 'analysed' }],
};
const whole = { format: 'curvature-report', complete: true, layers: [{ name: 'whole' }] };
const progress = { stage: 'ggn', message: 'draw 1', fraction: 0.5, relativeError: 0.1, etaSeconds: 2 };
const tellPartial = () => connection.sendNotification('partialResult', partial);
const never = new Promise(() => undefined);

const behaviours = {
  async answers() {
    await connection.sendNotification('progressed', progress);
    await tellPartial();
    return whole;
  },
  async slow(token) {
    await tellPartial();
    await new Promise(resolve => token.onCancellationRequested(resolve));
    return { ...partial, stopped: { reason: 'cancelled', message: 'by the engine itself' } };
  },
  async hangs() {
    await tellPartial();
    setTimeout(() => {
      for (;;);
    }, 50);
    return never;
  },
  silent: () => never,
  async aborts() {
    await tellPartial();
    process.kill(process.pid, 'SIGABRT');
    return never;
  },
  exits() {
    process.stderr.write('std::bad_alloc\n', () => process.exit(3));
    return never;
  },
  refuses: () =>
    new ResponseError(-31000, 'labels go to 12, the model has 10 classes', {
      code: 'labels-invalid',
      hint: 'Check them.',
    }),
  breaks() {
    throw new Error('internal: a bug');
  },
};

connection.onRequest('analyze', ({ options }, token) => behaviours[options.model](token));
connection.onRequest('exportQuantized', async ({ model, bits }) => {
  if (model !== 'answers') return behaviours[model]();
  await connection.sendNotification('progressed', progress);
  return { output: 'written', bits };
});
connection.onRequest('describeModel', ({ model }, token) => ({
  file: model,
  nodes: [],
  late: token.isCancellationRequested,
}));
process.on('disconnect', () => process.exit());
connection.listen();
