import type { Catalog } from '../../catalog/catalog.js';
import type { ClassCount } from '../../catalog/repositories/facets.js';
import { checkStorable } from '../../domain/check.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import type { JsonObject } from '../../domain/json.js';
import { LIMITS } from '../../domain/limits.js';
import type { Modality } from '../../domain/modality.js';
import type { FilterCheck } from './filter-check.js';

export interface FacetRequest {
  /** Null: all items. */
  readonly filter: ItemFilter | null;
  readonly metadataKeys: readonly string[];
  /** The maximum number of classes. */
  readonly classes: number;
  /** The maximum number of values of each metadata key. */
  readonly values: number;
}

export interface MetadataFacet {
  readonly key: string;
  readonly values: readonly {
    readonly value: string;
    /** Matches the items with the value, as `metadata` of a filter. */
    readonly filter: JsonObject;
    readonly count: number;
  }[];
}

/** Counts over the items that match a filter. Each method is one facet and runs one statement over the items. */
export class FacetService {
  constructor(
    private readonly catalog: Catalog,
    private readonly filters: FilterCheck,
  ) {}

  /** @throws CommonspaceError BAD_INPUT or UNKNOWN_CLASS naming the argument. The other methods take a checked request. */
  async check(request: FacetRequest): Promise<void> {
    this.checkSizes(request);
    await this.filters.check(request.filter);
  }

  /** The same for a filter that is known to be right. */
  checkSizes({ metadataKeys, classes, values }: Omit<FacetRequest, 'filter'>): void {
    checkCount(classes, 'classes');
    checkCount(values, 'values');
    if (metadataKeys.length > LIMITS.facetKeys) {
      throw new CommonspaceError('BAD_INPUT', `Give ${LIMITS.facetKeys} keys at most.`, ['metadataKeys']);
    }
    for (const [i, key] of metadataKeys.entries()) {
      checkStorable(key, ['metadataKeys', String(i)]);
      if (metadataKeys.indexOf(key) < i) {
        throw new CommonspaceError('BAD_INPUT', 'This key is given twice.', ['metadataKeys', String(i)]);
      }
    }
  }

  total({ filter }: FacetRequest): Promise<number> {
    return this.catalog.items.count(filter);
  }

  modalities({
    filter,
  }: FacetRequest): Promise<readonly { readonly modality: Modality; readonly count: number }[]> {
    return this.catalog.facets.modalities(filter);
  }

  classes({ filter, classes }: FacetRequest): Promise<readonly ClassCount[]> {
    return this.catalog.facets.classes(filter, classes);
  }

  /**
   * One entry for each key, in the order of the request. Keys without a value among the matching items are looked up in the
   * whole catalogue.
   *
   * @throws CommonspaceError BAD_INPUT naming a key that no item of the catalogue has.
   */
  async metadata({ filter, metadataKeys, values }: FacetRequest): Promise<readonly MetadataFacet[]> {
    if (metadataKeys.length === 0) return [];
    const counts = await this.catalog.facets.metadata(filter, metadataKeys, values);
    const facets = metadataKeys.map((key) => ({
      key,
      values: counts
        .filter((counted) => counted.key === key)
        .map(({ value, text, count }) => ({ value: text, filter: { [key]: value }, count })),
    }));
    await this.refuseUnknown(
      facets.filter((facet) => facet.values.length === 0).map(({ key }) => key),
      metadataKeys,
    );
    return facets;
  }

  private async refuseUnknown(empty: readonly string[], keys: readonly string[]): Promise<void> {
    if (empty.length === 0) return;
    const [unknown] = await this.catalog.facets.unknownKeys(empty);
    if (unknown === undefined) return;
    throw new CommonspaceError('BAD_INPUT', `No item has the metadata key ${JSON.stringify(unknown)}.`, [
      'metadataKeys',
      String(keys.indexOf(unknown)),
    ]);
  }
}

function checkCount(count: number, argument: string): void {
  if (Number.isInteger(count) && count >= 1 && count <= LIMITS.facetValues) return;
  const message = `${argument} must be between 1 and ${LIMITS.facetValues}.`;
  throw new CommonspaceError('BAD_INPUT', message, [argument]);
}
