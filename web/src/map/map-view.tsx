import { Search } from 'lucide-react';
import { type FormEvent, useEffect, useMemo, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { SpaceMapQuery } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { Failure } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { coloursOf, type Shown } from './colours.js';
import { ComputeMap } from './compute-map.js';
import { ItemList, MapItem } from './item-list.js';
import { Legend } from './legend.js';
import { MapCanvas } from './map-canvas.js';
import { idAt, indexOf, placeAt } from './points.js';
import { Selection } from './selection.js';
import { useItems, usePlace, usePoints } from './use-map.js';
import { VersionChoice } from './version-choice.js';
import type { Place } from './view.js';

interface MapViewProps {
  readonly map: NonNullable<SpaceMapQuery['spaceMap']>;
  readonly classes: SpaceMapQuery['facets']['classes'];
}

const MODALITIES = { both: null, images: 0, texts: 1 } as const;
const REST_MS = 80;
const NOTHING: ReadonlySet<number> = new Set();

/** The map beside what it shows: the item at the pointer, the search, the selection. */
export function MapView({ map, classes }: MapViewProps) {
  const t = useMessages();
  const address = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const text = address.get('q') ?? '';
  const [modality, setModality] = useState<keyof typeof MODALITIES>('both');
  const [chosen, setChosen] = useState<ReadonlySet<number>>(NOTHING);
  const [selected, setSelected] = useState<ReadonlySet<number>>(NOTHING);
  const [hovered, setHovered] = useState<string | null>(null);
  const [listed, setListed] = useState<string | null>(null);
  const { encoderVersion, computedAt } = map;
  const classIds = useMemo(() => classes.map((each) => each.class.id), [classes]);
  const { data: points, error, refetch } = usePoints(encoderVersion, computedAt, classIds);
  const place = usePlace(encoderVersion, computedAt, text);
  const shown: Shown = { modality: MODALITIES[modality], classes: chosen, selected };
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shown` is made of these
  const colours = useMemo(() => points && coloursOf(points, shown), [points, modality, chosen, selected]);
  const ids = useMemo(
    () => (points ? [...selected].map((index) => idAt(points, index)) : []),
    [points, selected],
  );
  const marks = useMemo(() => marksOf(text === '' ? undefined : place.data), [text, place.data]);
  const shownPlace = useMemo(() => {
    const index = points && listed !== null ? indexOf(points, listed) : null;
    return points && index !== null ? placeAt(points, index) : null;
  }, [points, listed]);
  const search = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const query = String(new FormData(event.currentTarget).get('q')).trim();
    if (query === '') address.delete('q');
    else address.set('q', query);
    navigate(`/map?${address.toString()}`);
  };
  if (error && !points) return <Failure error={error} onRetry={() => void refetch()} />;
  return (
    <div className="map-page">
      <header className="map-head">
        <h1>{t.nav.map}</h1>
        <search className="map-search-place">
          <form className="map-search" onSubmit={search}>
            <input
              key={text}
              name="q"
              aria-label={t.map.search}
              placeholder={t.map.search}
              defaultValue={text}
              maxLength={1_000}
            />
            <button type="submit" className="icon" aria-label={t.search.submit} title={t.search.submit}>
              <Search aria-hidden size={18} />
            </button>
          </form>
        </search>
        <Segments
          label={t.search.target}
          value={modality}
          options={[
            ['both', t.search.both],
            ['images', t.search.onlyImages],
            ['texts', t.search.onlyTexts],
          ]}
          onChange={setModality}
        />
        <VersionChoice chosen={encoderVersion} />
        <State map={map} />
      </header>
      <div className="map-body">
        {points && colours ? (
          <MapCanvas
            points={points}
            colours={colours}
            marks={marks}
            shown={shownPlace}
            onHover={(index) => setHovered(index === null ? null : idAt(points, index))}
            onSelect={(found) => setSelected(new Set(found))}
          />
        ) : (
          <output className="map-drawing notice">{t.common.loading}</output>
        )}
        <aside className="map-side" aria-label={t.map.details}>
          <Preview id={hovered} />
          <Legend classes={classes} chosen={chosen} onChoose={setChosen} />
          {selected.size > 0 && (
            <Selection key={ids[0]} ids={ids} onShow={setListed} onClear={() => setSelected(NOTHING)} />
          )}
          {text !== '' && (
            <section className="map-section">
              <h2>{t.map.nearest(text)}</h2>
              {place.error && <Failure error={place.error} onRetry={() => void place.refetch()} />}
              {place.data?.x === null && <p className="faint">{t.map.nowhere}</p>}
              <ItemList label={t.map.nearest(text)} items={place.data?.nearest ?? []} onShow={setListed} />
            </section>
          )}
        </aside>
      </div>
    </div>
  );
}

/** How the map was made, and whether it is up to date. */
function State({ map }: Pick<MapViewProps, 'map'>) {
  const t = useMessages();
  return (
    <p className="faint map-state">
      <span>
        {t.map.items(map.pointCount)}
        {' · '}
        {map.layout === 'PCA' ? t.map.plane : t.map.neighbours}
        {map.newItems > 0 && ` · ${t.map.newItems(map.newItems)}`}
      </span>
      <ComputeMap encoderId={map.encoderVersion} isComputed={map.job !== null} again />
    </p>
  );
}

/** The item at the pointer. It keeps its place, so that nothing below it moves. */
function Preview({ id }: { readonly id: string | null }) {
  const t = useMessages();
  const [asked, setAsked] = useState(id);
  // A pointer that passes over many points asks for the one where it rests.
  useEffect(() => {
    const timer = setTimeout(() => setAsked(id), id === null ? 0 : REST_MS);
    return () => clearTimeout(timer);
  }, [id]);
  const { data } = useItems(asked === null ? [] : [asked]);
  const item = asked === null ? undefined : data?.[0];
  return (
    <div className="map-preview">
      {item ? <MapItem item={item} /> : <span className="faint">{t.map.hoverHint}</span>}
    </div>
  );
}

function marksOf(place: ReturnType<typeof usePlace>['data']) {
  const query: Place | null = place?.x == null || place.y == null ? null : [place.x, place.y];
  const rings = (place?.nearest ?? []).flatMap(({ position }): Place[] =>
    position === null ? [] : [[position.x, position.y]],
  );
  return { query, rings };
}
