import { parseArgs } from 'node:util';
import { type Fault, fuzz, MEMORY_MEGABYTES } from './fuzz.js';

/** `npm run fuzz -- --requests N --seed N [--from N]` */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
});
const [requests = 0, seed = 0, from = 0] = [values.requests, values.seed, values.from].map(Number);

const report = await fuzz({
  requests,
  seed,
  from,
  onProgress: (done) => {
    if (done % 500 === 0) process.stderr.write(`${done} of ${requests}\n`);
  },
});

for (const [outcome, count] of [...report.counts].sort(([, a], [, b]) => b - a))
  console.log(`${count}\t${outcome}`);
console.log('\nroot field: answered without an error, of all sent');
for (const [field, { sent, answered }] of report.fields) console.log(`${field}: ${answered} of ${sent}`);
const memory =
  report.peakMegabytes === null ? '' : `, at most ${report.peakMegabytes} of ${MEMORY_MEGABYTES} MB`;
console.log(
  `\n${requests} requests in ${Math.round(report.seconds)} s, the slowest ${Math.round(report.slowestMs)} ms${memory}`,
);
for (const { request, what } of report.faults.slice(0, 50)) console.log(`\n${headOf(request)}\n${what}`);
console.log(report.faults.length === 0 ? 'no fault' : `${report.faults.length} faults`);
process.exitCode = report.faults.length === 0 ? 0 : 1;

function headOf(request: Fault['request']): string {
  return request === null
    ? `FAULT with --seed ${seed}`
    : `FAULT of request ${request}; again: npm run fuzz -- --seed ${seed} --requests 1 --from ${request}`;
}
