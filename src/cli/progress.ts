import { SingleBar } from 'cli-progress';

/** Shows the progress of a task on stderr: a bar in a terminal, otherwise a line at intervals. */
export interface Progress {
  update(done: number, all: number, remark?: string): void;
  stop(): void;
}

/** Minimum time between two lines. The last state is always written. */
const LOG_INTERVAL_MS = 5_000;

export function createProgress(label: string): Progress {
  return process.stderr.isTTY ? bar(label) : lines(label);
}

function bar(label: string): Progress {
  const drawn = new SingleBar({
    format: `${label.padEnd(12)} {bar} {value}/{total} {remark}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    stream: process.stderr,
  });
  let started = false;
  return {
    update(done, all, remark = '') {
      if (!started) drawn.start(all, done, { remark });
      else {
        drawn.setTotal(all);
        drawn.update(done, { remark });
      }
      started = true;
    },
    stop() {
      if (started) drawn.stop();
    },
  };
}

function lines(label: string): Progress {
  let last = 0;
  let latest = '';
  let written = '';
  const write = () => {
    if (latest !== written) process.stderr.write(`${latest}\n`);
    written = latest;
    last = performance.now();
  };
  return {
    update(done, all, remark = '') {
      latest = `${label}: ${done}/${all}${remark === '' ? '' : ` ${remark}`}`;
      if (last === 0 || performance.now() - last >= LOG_INTERVAL_MS) write();
    },
    stop: write,
  };
}
