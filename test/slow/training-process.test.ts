import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { RowFileWriter } from '../../src/platform/row-file-writer.js';
import { SMALL_TRAINING, syntheticSource } from '../unit/encoder-source.js';

const dist = join(import.meta.dirname, '../../dist');

it.skipIf(!existsSync('/proc/self/status'))(
  'ends when the process that started it is killed',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-process-'));
    const source = syntheticSource(200, 4, 3);
    const store = (name: 'image' | 'text') => {
      const writer = new RowFileWriter(join(folder, `${name}.rows`), source[name].columns);
      writer.appendSync(source[name]);
      return writer.finish();
    };
    const stored = { image: store('image'), text: store('text') };
    const options = { ...SMALL_TRAINING, epochs: 100_000 };
    const script = `
    import { trainEncoder } from '${dist}/encoder/training/train-encoder.js';
    const source = ${JSON.stringify({ ...stored, classNames: [] })};
    source.labels = new Int32Array(200).fill(-1);
    source.classEmbeddings = { data: new Float32Array(), rows: 0, columns: 0 };
    const onProgress = ({ kind }) => console.log(kind);
    await trainEncoder(source, ${JSON.stringify(options)}, { onProgress });`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    parent.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    let output = '';
    for await (const bytes of parent.stdout) {
      output += String(bytes);
      if (output.includes('epoch')) break;
    }
    const [child = ''] = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
      .trim()
      .split(' ');
    expect(existsSync(`/proc/${child}/status`)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    for (let i = 0; i < 200 && existsSync(`/proc/${child}/status`); i += 1) await setTimeout(50);
    expect(existsSync(`/proc/${child}/status`)).toBe(false);
    expect(errors).toBe('');
    await rm(folder, { recursive: true });
  },
  60_000,
);
