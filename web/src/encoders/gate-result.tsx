import { Link } from 'wouter';
import type { VersionDetailsFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { Scroll } from '../ui/scroll.js';
import { useFormats } from './formats.js';

/** How a version compared with the one that was active, before it could replace it. */
export function GateResult({ check }: { readonly check: NonNullable<VersionDetailsFragment['promotion']> }) {
  const t = useMessages();
  const format = useFormats();
  const rows = [
    [t.encoders.seenClasses, check.seen],
    [t.encoders.unseenClassesShort, check.unseen],
  ] as const;
  return (
    <section>
      <h2>{t.encoders.gate}</h2>
      <p className={check.refusal === null ? '' : 'error'}>{check.refusal ?? t.encoders.passed}</p>
      <Scroll label={t.encoders.gate}>
        <table className="figure-table">
          <thead>
            <tr>
              <th>{t.encoders.heldOutPairs}</th>
              <th>{t.encoders.pairs}</th>
              <th>{t.encoders.thisVersion}</th>
              <th>
                <Link href={`/encoders/${check.against}`}>{t.encoders.activeThen}</Link>
              </th>
              <th>{t.encoders.untrained}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, maps]) =>
              maps === null ? null : (
                <tr key={name}>
                  <th>{name}</th>
                  <td>{format.number(maps.pairs)}</td>
                  <td>{format.figure(maps.candidate)}</td>
                  <td>{format.figure(maps.active)}</td>
                  <td>{format.figure(maps.untrained)}</td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </Scroll>
      <p className="faint">
        {t.encoders.gateHint(format.figure(check.tolerance))}
        {check.learntByActive > 0 && ` ${t.encoders.learntByActive(check.learntByActive)}`}
      </p>
    </section>
  );
}
