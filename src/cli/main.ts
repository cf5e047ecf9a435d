#!/usr/bin/env node
import { runCli } from './program';

// A reader that has seen enough, such as `head`, closes the pipe; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runCli(process.argv).then(code => {
  // Not `process.exit`, which would cut off what is still on its way into a pipe.
  process.exitCode = code;
});
