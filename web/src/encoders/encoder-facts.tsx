import { Link } from 'wouter';
import type { VersionDetailsFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { useFormats } from './formats.js';

/** What a version was trained with, and when. */
export function EncoderFacts({ version }: { readonly version: VersionDetailsFragment }) {
  const t = useMessages();
  const format = useFormats();
  const { request } = version;
  const facts: readonly (readonly [name: string, value: string | null | undefined])[] = [
    [t.encoders.preset, request && (t.encoders.presets[request.preset] ?? request.preset)],
    [t.encoders.pairs, version.pairs === null ? null : format.number(version.pairs)],
    [t.encoders.classCount, version.classes === null ? null : format.number(version.classes)],
    [t.encoders.heldOut, request && format.percent(request.holdout)],
    [t.encoders.unseenClasses, request?.unseenClasses.join(', ')],
    [t.encoders.epochs, request?.epochs == null ? null : format.number(request.epochs)],
    [t.encoders.seed, request && String(request.seed)],
    [t.encoders.dimension, version.dimension === null ? null : format.number(version.dimension)],
    [t.encoders.imageExtractor, version.imageExtractor],
    [t.encoders.textExtractor, version.textExtractor],
    [t.encoders.took, version.seconds === null ? null : format.duration(version.seconds)],
    [t.encoders.finished, version.finishedAt && format.time(version.finishedAt)],
    [t.encoders.activatedAt, version.activatedAt && format.time(version.activatedAt)],
    [t.encoders.retiredAt, version.retiredAt && format.time(version.retiredAt)],
  ];
  return (
    <section className="item-facts">
      <h2>{t.encoders.facts}</h2>
      <dl>
        {facts.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
        {request?.from != null && (
          <div>
            <dt>{t.encoders.from}</dt>
            <dd>
              <Link href={`/encoders/${request.from}`}>{t.encoders.thatVersion}</Link>
            </dd>
          </div>
        )}
        <div>
          <dt>{t.encoders.id}</dt>
          <dd>
            <code>{version.id}</code>
          </dd>
        </div>
      </dl>
    </section>
  );
}
