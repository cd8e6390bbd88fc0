// Known vulnerabilities, high or critical, of the packages that run in production: node scripts/audit.mjs. It is skipped where the audit
// service cannot be reached, so that a build without a network does not fail.
import { spawnSync } from 'node:child_process';

const TIMEOUT_MS = 30_000;
const options = ['--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=15000'];
const { stdout } = spawnSync('npm', ['audit', ...options], { encoding: 'utf8', timeout: TIMEOUT_MS });

const report = read(stdout);
if (report?.metadata === undefined) {
  console.log(
    `audit: skipped, because the audit service cannot be reached (${report?.message ?? 'no answer'})`,
  );
  process.exit(0);
}
const serious = Object.values(report.vulnerabilities).filter(({ severity }) =>
  ['high', 'critical'].includes(severity),
);
for (const { name, severity, range, via } of serious) {
  const titles = via.map((cause) =>
    typeof cause === 'string' ? `by ${cause}` : `${cause.title} (${cause.url})`,
  );
  console.log(`audit: ${severity}: ${name} ${range}: ${titles.join('; ')}`);
}
console.log(`audit: ${serious.length} packages with a vulnerability of level high or critical`);
process.exitCode = serious.length === 0 ? 0 : 1;

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
