// Runs commands one after another in this process, which loads the program once. See command.ts.
import { createProgram } from '../../dist/program.js';

/** Thrown in place of an exit of the process. */
class Exit {
  constructor(code) {
    this.code = code;
  }
}

process.exit = (code) => {
  throw new Exit(code ?? process.exitCode ?? 0);
};

/** Collects what is written to a stream, until it is put back. */
function collect(stream) {
  const write = stream.write;
  const taken = {
    text: '',
    putBack() {
      stream.write = write;
    },
  };
  stream.write = (chunk, encoding, callback) => {
    taken.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    const written = typeof encoding === 'function' ? encoding : callback;
    if (written) process.nextTick(written);
    return true;
  };
  return taken;
}

process.on('message', async ({ args, env }) => {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.exitCode = undefined;
  const [stdout, stderr] = [collect(process.stdout), collect(process.stderr)];
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    // Anything else would end the process of a command with 1 and its stack.
    if (!(error instanceof Exit)) process.stderr.write(`${error?.stack ?? error}\n`);
    process.exitCode = error instanceof Exit ? error.code : 1;
  }
  stdout.putBack();
  stderr.putBack();
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  process.send({ code, stdout: stdout.text, stderr: stderr.text });
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
