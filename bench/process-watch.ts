import { readFileSync } from 'node:fs';

const MEGABYTE = 2 ** 20;
/** Linux counts processor time in hundredths of a second. */
const TICKS = 100;

/** Watches the memory and the processor time of the child processes, and the memory of this one. On Linux. */
export class ProcessWatch {
  private readonly atRest = process.memoryUsage.rss();
  private highest = this.atRest;
  private peakKilobytes = 0;
  private readonly ticks = new Map<string, number>();
  private readonly timer = setInterval(() => this.look(), 200);

  /** Peak memory of the largest child, growth of this process, and processor time of all children, in MB and seconds. */
  stop(): { readonly peak: number; readonly caller: number; readonly cpuSeconds: number } {
    clearInterval(this.timer);
    return {
      peak: this.peakKilobytes / 1024,
      caller: (this.highest - this.atRest) / MEGABYTE,
      cpuSeconds: [...this.ticks.values()].reduce((sum, ticks) => sum + ticks, 0) / TICKS,
    };
  }

  private look(): void {
    this.highest = Math.max(this.highest, process.memoryUsage.rss());
    const children = read(`/proc/self/task/${process.pid}/children`).trim();
    for (const pid of children === '' ? [] : children.split(' ')) {
      const [, kilobytes = '0'] = /VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`)) ?? [];
      this.peakKilobytes = Math.max(this.peakKilobytes, Number(kilobytes));
      // The name of the program, in parentheses, may contain spaces.
      const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
      const [user = 0, system = 0] = [Number(fields[11]), Number(fields[12])];
      if (fields.length > 0) this.ticks.set(pid, user + system);
    }
  }
}

/**
 * Watches for how long the main thread keeps its event loop from turning, by processor time: on a busy machine a thread also waits
 * for a processor. On Linux, in steps of 10 ms.
 */
export class LoopWatch {
  private before = ticksOfMainThread();
  private most = 0;
  private readonly timer = setInterval(() => this.look(), 10);

  /** In ms, since the last call. */
  longest(): number {
    this.look();
    const { most } = this;
    this.most = 0;
    return (most * 1000) / TICKS;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const now = ticksOfMainThread();
    this.most = Math.max(this.most, now - this.before);
    this.before = now;
  }
}

function ticksOfMainThread(): number {
  const fields = read(`/proc/self/task/${process.pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** The text of a file, empty if its process has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
