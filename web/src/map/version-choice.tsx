import { useSearchParams } from 'wouter';
import { useFormats } from '../encoders/formats.js';
import { SEARCHABLE } from '../encoders/states.js';
import { useEncoders } from '../encoders/use-encoder.js';
import { useMessages } from '../messages/index.js';

/** Which version's space the map shows; nothing where there is only one. */
export function VersionChoice({ chosen }: { readonly chosen: string }) {
  const t = useMessages();
  const format = useFormats();
  const [, setParams] = useSearchParams();
  const versions = useEncoders(SEARCHABLE).nodes;
  if (versions.length < 2) return null;
  const choose = (id: string) =>
    setParams((now) => {
      const next = new URLSearchParams(now);
      const isActive = versions.some((each) => each.id === id && each.state === 'ACTIVE');
      // The address without a version shows the active one, also when that is another one later.
      if (isActive) next.delete('encoder');
      else next.set('encoder', id);
      return next;
    });
  return (
    <label className="inline">
      {t.map.version}
      <select value={chosen} onChange={(event) => choose(event.target.value)}>
        {!versions.some(({ id }) => id === chosen) && <option value={chosen}>{chosen}</option>}
        {versions.map(({ id, createdAt, state }) => (
          <option key={id} value={id}>
            {`${format.time(createdAt)} (${t.encoders.states[state]})`}
          </option>
        ))}
      </select>
    </label>
  );
}
