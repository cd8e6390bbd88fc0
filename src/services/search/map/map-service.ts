import type { Catalog } from '../../../catalog/catalog.js';
import type { EncoderRow, ItemRow, TrainedEncoderRow } from '../../../catalog/types.js';
import type { MapPosition, PointPage, ProjectionRow } from '../../../catalog/vectors/map-points.js';
import type { Caller } from '../../../domain/access.js';
import { checkPageSize, checkStorable } from '../../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../../domain/cursor.js';
import { CommonspaceError } from '../../../domain/errors.js';
import type { RequestScope } from '../../../domain/fetch-budget.js';
import { isUuid } from '../../../domain/ids.js';
import type { JobRow } from '../../../domain/job.js';
import { LIMITS } from '../../../domain/limits.js';
import { MODALITIES } from '../../../domain/modality.js';
import type { JobService } from '../../jobs/job-service.js';
import { type ActiveEncoder, noEncoder } from '../../serving/active-encoder.js';
import type { QueryReader, SearchQuery } from '../query-reader.js';

/** Nearest items that place a query. */
const PLACED_BY = 6;
/** Squared distances below this one count as the same place. */
const SAME = 1e-6;
/** In place of an id that no class can have. */
const NIL = '00000000-0000-0000-0000-000000000000';

/** The state of an encoder's map. */
export interface SpaceMapState {
  readonly encoderId: string;
  /** Null before the first one is complete. */
  readonly map: ProjectionRow | null;
  /** Items that were stored since. */
  readonly newItems: number;
  /** What computes a new one. */
  readonly job: JobRow | null;
}

interface MapNeighbour {
  readonly item: ItemRow;
  readonly similarity: number;
  readonly position: MapPosition | null;
}

/** Where a query falls. The position is null if none of the nearest items has one. */
export interface MapPlace {
  readonly x: number | null;
  readonly y: number | null;
  readonly nearest: readonly MapNeighbour[];
}

export interface PointRequest {
  readonly encoderId: string | null;
  readonly classIds: readonly string[];
  readonly first: number;
  readonly after: string | null;
}

/** Maps of encoders: their state, their points, and where queries fall on them. */
export class MapService {
  constructor(
    private readonly catalog: Pick<Catalog, 'encoders' | 'mapPoints' | 'jobs' | 'ranking' | 'items'>,
    private readonly encoders: Pick<ActiveEncoder, 'load'>,
    private readonly queries: Pick<QueryReader, 'read'>,
    private readonly jobs: Pick<JobService, 'begin' | 'byId'>,
  ) {}

  /** Begins to compute a map, or returns the job that does. @throws CommonspaceError ENCODER_NOT_FOUND, ENCODER_STATE, BAD_INPUT */
  async begin(id: string, caller: Pick<Caller, 'name' | 'keyId'>): Promise<JobRow> {
    checkStorable(id, ['id']);
    const row = isUuid(id) ? await this.catalog.encoders.byId(id) : null;
    if (row === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', ['id']);
    if (!hasSpace(row)) {
      throw new CommonspaceError('ENCODER_STATE', `The encoder is ${row.state}; it has no map.`, ['id']);
    }
    return (
      (await this.underWay(row.id)) ??
      (await this.jobs.begin({ name: 'PROJECTION' }, { encoderId: row.id }, caller))
    );
  }

  /** Null for an encoder that is unknown or has no space yet, and without an active one. */
  async state(encoderId: string | null): Promise<SpaceMapState | null> {
    const row = await this.encoder(encoderId);
    if (row === null) return null;
    const map = await this.catalog.mapPoints.current(row.id);
    return {
      encoderId: row.id,
      map,
      newItems: map === null ? 0 : await this.catalog.mapPoints.itemsSince(map.completedAt),
      job: await this.underWay(row.id),
    };
  }

  /** @throws CommonspaceError NO_ENCODER, NO_MAP, BAD_INPUT, BAD_CURSOR */
  async points(request: PointRequest): Promise<PointPage & { readonly endCursor: string | null }> {
    const { encoderId, classIds, first, after } = request;
    checkPageSize(first, LIMITS.mapPageSize);
    checkLength(classIds, LIMITS.mapClasses, 'classIds');
    const { map } = await this.require(encoderId);
    const print = fingerprint({ map: map.id });
    const position = after === null ? null : decodeCursor(after, print);
    if (position !== null && !isUuid(position)) throw badCursor();
    const known = classIds.map((id) => (isUuid(id) ? id : NIL));
    const page = await this.catalog.mapPoints.page(map.id, position, first, known);
    const isFull = page.modalities.length === first;
    return { ...page, endCursor: isFull && page.lastId !== null ? encodeCursor(print, page.lastId) : null };
  }

  /** In the order of the ids. @throws CommonspaceError NO_ENCODER, NO_MAP, BAD_INPUT */
  async positions(encoderId: string | null, ids: readonly string[]): Promise<(MapPosition | null)[]> {
    checkLength(ids, LIMITS.filterIds, 'ids');
    const { map } = await this.require(encoderId);
    const found = await this.positionsOf(map, ids.filter(isUuid));
    return ids.map((id) => found.get(id.toLowerCase()) ?? null);
  }

  /** @throws CommonspaceError NO_ENCODER, NO_MAP, BAD_INPUT, and what the query is refused for */
  async place(
    query: SearchQuery,
    encoderId: string | null,
    first: number,
    scope: RequestScope = {},
  ): Promise<MapPlace> {
    checkPageSize(first, LIMITS.searchPageSize);
    const { row, map } = await this.require(encoderId);
    const loaded = { row, encoder: await this.encoders.load(row.id) };
    const { embedding } = await this.queries.read(query, loaded, scope);
    if (embedding === null) return { x: null, y: null, nearest: [] };
    const rankings = await Promise.all(
      MODALITIES.map((target, i) => {
        const limit = i === 0 ? Math.ceil(first / 2) : Math.max(1, Math.floor(first / 2));
        return this.catalog.ranking.byEmbedding({
          encoderId: row.id,
          target,
          vector: embedding,
          filter: null,
          limit,
          offset: 0,
        });
      }),
    );
    const hits = rankings
      .flatMap((ranking) => ranking.hits)
      .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1))
      .slice(0, first);
    const ids = hits.map(({ id }) => id);
    const [positions, items] = await Promise.all([this.positionsOf(map, ids), this.catalog.items.byIds(ids)]);
    const rows = new Map(items.map((item) => [item.id, item]));
    const nearest = hits.flatMap(({ id, similarity }): MapNeighbour[] => {
      const item = rows.get(id);
      return item === undefined ? [] : [{ item, similarity, position: positions.get(id) ?? null }];
    });
    return { ...meanOf(nearest), nearest };
  }

  private async require(encoderId: string | null): Promise<{
    readonly row: TrainedEncoderRow;
    readonly map: ProjectionRow;
  }> {
    const row = await this.encoder(encoderId);
    if (row === null) {
      if (encoderId === null) throw noEncoder('The map needs the common space.');
      throw new CommonspaceError('ENCODER_NOT_FOUND', 'No trained encoder has this id.', ['encoderId']);
    }
    const map = await this.catalog.mapPoints.current(row.id);
    if (map === null)
      throw new CommonspaceError('NO_MAP', 'The encoder has no map yet. Begin one with `projectEncoder`.');
    return { row, map };
  }

  private async encoder(id: string | null): Promise<TrainedEncoderRow | null> {
    if (id === null) return await this.catalog.encoders.active();
    const row = isUuid(id) ? await this.catalog.encoders.byId(id) : null;
    return row !== null && hasSpace(row) ? row : null;
  }

  private async underWay(encoderId: string): Promise<JobRow | null> {
    const id = await this.catalog.jobs.underWay('PROJECTION', { encoderId });
    return id === null ? null : await this.jobs.byId(id);
  }

  private async positionsOf(map: ProjectionRow, ids: readonly string[]): Promise<Map<string, MapPosition>> {
    const found = await this.catalog.mapPoints.positions(map.id, ids);
    return new Map(found.map((position) => [position.id, position]));
  }
}

/** Whether an encoder has embedded the catalogue. */
function hasSpace(row: EncoderRow): row is TrainedEncoderRow {
  return row.dimension !== null && ['ready', 'active', 'retired'].includes(row.state);
}

/** The mean of the nearest positions, each weighted by the inverse of its squared distance, as new points of a map are placed. */
function meanOf(nearest: readonly MapNeighbour[]): { readonly x: number | null; readonly y: number | null } {
  let [x, y, sum] = [0, 0, 0];
  for (const { similarity, position } of nearest.filter((one) => one.position !== null).slice(0, PLACED_BY)) {
    const weight = 1 / (2 - 2 * similarity + SAME);
    x += weight * (position?.x ?? 0);
    y += weight * (position?.y ?? 0);
    sum += weight;
  }
  return sum === 0 ? { x: null, y: null } : { x: x / sum, y: y / sum };
}

function checkLength(ids: readonly string[], limit: number, field: string): void {
  if (ids.length > limit) throw new CommonspaceError('BAD_INPUT', `Give ${limit} ids at most.`, [field]);
}
