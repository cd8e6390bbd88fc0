import { LRUCache } from 'lru-cache';
import type { Catalog } from '../../catalog/catalog.js';
import type { ClassMean, ClassRow } from '../../catalog/types.js';
import type { Modality } from '../../domain/modality.js';
import { observe } from '../../domain/observations.js';
import { sharedByRequests } from '../../platform/request-work.js';

/** After this time a value is read again even if the stamp is the same; see ChangeStamp. */
const OLDEST_MS = 30_000;

interface Kept {
  readonly stamp: string;
  readonly since: number;
  readonly value: Promise<unknown>;
}

/**
 * What is derived from the items of all classes. Each value is kept until the catalogue changes: every call reads the stamp
 * of the catalogue, so that acknowledged writes of any server are seen at once.
 */
export class ClassStatistics {
  private readonly kept = new LRUCache<string, Kept>({ max: 8 });

  constructor(private readonly catalog: Pick<Catalog, 'classes' | 'vectors' | 'changes'>) {}

  /** Every class, by name. */
  classes(): Promise<readonly ClassRow[]> {
    return this.current('classes', () => this.catalog.classes.all());
  }

  /** The mean embedding of each class that has items, by class id. */
  means(encoderId: string): Promise<ReadonlyMap<string, ClassMean>> {
    return this.current(`means ${encoderId}`, () => this.catalog.vectors.classMeans(encoderId));
  }

  /** The number of items (of a modality) of each class that has any, by class id. */
  itemCounts(modality: Modality | null): Promise<ReadonlyMap<string, number>> {
    return this.current(`counts ${modality}`, () => this.catalog.classes.itemCounts(modality));
  }

  private async current<T>(key: string, load: () => Promise<T>): Promise<T> {
    const stamp = await this.catalog.changes.read();
    const known = this.kept.get(key);
    observe({ kind: 'cache', cache: 'class statistics', hit: known?.stamp === stamp });
    if (known?.stamp !== stamp) return await this.keep(key, stamp, load);
    // The caller gets the value that is kept, and the next one the value that is read now.
    if (performance.now() - known.since > OLDEST_MS) void this.keep(key, stamp, load, known).catch(() => {});
    return (await known.value) as T;
  }

  /** Callers share the value from now on; with `former`, after it was read. */
  private async keep<T>(key: string, stamp: string, load: () => Promise<T>, former?: Kept): Promise<T> {
    const since = performance.now();
    const value = sharedByRequests(load);
    const entry = { stamp, since, value };
    // While the value is read again, `since` of the former one keeps others from doing the same.
    this.kept.set(key, former === undefined ? entry : { ...former, since });
    try {
      await value;
    } catch (error) {
      if (this.kept.get(key)?.value === value) this.kept.delete(key);
      throw error;
    }
    if (former !== undefined && this.kept.get(key)?.stamp === stamp) this.kept.set(key, entry);
    return await value;
  }
}
