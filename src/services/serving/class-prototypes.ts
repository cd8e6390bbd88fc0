import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import type { ClassRow } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import { gather } from '../../encoder/math/matrix.js';
import { classPrototype } from '../../evaluation/class-prototype.js';
import type { ClassTable } from '../../evaluation/classification-figures.js';
import type { LoadedEncoder } from './active-encoder.js';
import type { ClassStatistics } from './class-statistics.js';
import type { ReadsFeatures, TextExtractors } from './extractors-in-use.js';

export interface Prototype {
  /** Of unit length; zeros if the class has neither a name embedding nor items. */
  readonly vector: Float32Array;
  /** The number of items in it, besides the name. */
  readonly items: number;
}

/** The embedding of the text of a class. */
interface NameEmbedding {
  readonly text: string;
  readonly vector: Float32Array;
}

/** Vectors of classes: features of their names, and prototypes in the common space. */
export class ClassPrototypes {
  /** Embeddings of names by class id, cached for the encoder of the latest call. */
  private named = { encoderId: '', byClass: new Map<string, NameEmbedding>() };

  constructor(
    private readonly catalog: Catalog,
    private readonly texts: TextExtractors,
    private readonly statistics: ClassStatistics,
  ) {}

  /**
   * Features of names and descriptions by the text extractor of an encoder, or by the configured one without an encoder;
   * extracted if missing. The class embedding comes from them.
   *
   * @throws CommonspaceError EXTRACTOR_MISSING if features are missing and the extractor cannot be opened
   */
  async ensureFeatures(
    rows: readonly ClassRow[],
    encoder: ReadsFeatures | null,
    signal?: AbortSignal,
  ): Promise<Map<string, Float32Array>> {
    const extractor = encoder === null ? this.texts.byDefault.id : this.texts.idIn(encoder);
    const known = await this.catalog.vectors.classFeatures(
      extractor,
      rows.map((row) => row.id),
    );
    const missing = rows.filter((row) => !known.has(row.id));
    if (missing.length === 0) return known;
    const opened = await this.texts.of(encoder);
    const features = await opened.extract(missing.map(classText), { signal });
    const made = missing.flatMap((row, i) => (features[i] ? [{ row, vector: features[i] }] : []));
    await this.catalog.vectorWrites.putClassFeatures(extractor, made);
    return new Map([...known, ...made.map(({ row, vector }) => [row.id, vector] as const)]);
  }

  /** Every class with the feature of its name for an encoder, for measurements over all classes. */
  async classTable(encoder: ReadsFeatures | null): Promise<ClassTable> {
    const rows = await this.catalog.classes.all();
    const features = await this.ensureFeatures(rows, encoder);
    return {
      ids: rows.map((row) => row.id),
      features: gather(rows.map((row) => features.get(row.id))),
    };
  }

  /** The prototype of each class in the encoder's common space, in the order of the rows; see classPrototype. */
  async of(rows: readonly ClassRow[], active: LoadedEncoder): Promise<Prototype[]> {
    const [names, means] = await Promise.all([
      this.nameEmbeddings(rows, active),
      this.statistics.means(active.row.id),
    ]);
    return rows.map((row) => {
      const mean = means.get(row.id);
      const vector = classPrototype(names.get(row.id), mean, active.row.dimension);
      return { vector, items: mean?.count ?? 0 };
    });
  }

  /** Embeddings of the classes' names. Encoders never change, so each is computed once for a text. */
  private async nameEmbeddings(
    rows: readonly ClassRow[],
    active: LoadedEncoder,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    if (this.named.encoderId !== active.row.id) this.named = { encoderId: active.row.id, byClass: new Map() };
    const { byClass } = this.named;
    const unknown = rows.filter((row) => byClass.get(row.id)?.text !== classText(row));
    const texts = new Map(unknown.map((row) => [row.id, classText(row)]));
    let worked = 0;
    for (const [id, feature] of unknown.length === 0 ? [] : await this.knownFeatures(unknown, active.row)) {
      // Embedding many classes takes long: let other work of the event loop run in between.
      if (worked++ % 16 === 15) await setImmediate();
      byClass.set(id, { text: texts.get(id) ?? '', vector: active.encoder.embedName(feature) });
    }
    return new Map(
      rows.flatMap(({ id }) => {
        const known = byClass.get(id);
        return known === undefined ? [] : [[id, known.vector] as const];
      }),
    );
  }

  /** As `ensureFeatures`, but without an extractor that cannot be opened: classes whose feature is missing are left out. */
  async knownFeatures(
    rows: readonly ClassRow[],
    encoder: ReadsFeatures | null,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    try {
      return await this.ensureFeatures(rows, encoder);
    } catch (error) {
      if (!(error instanceof CommonspaceError) || error.code !== 'EXTRACTOR_MISSING') throw error;
      return await this.catalog.vectors.classFeatures(
        encoder === null ? this.texts.byDefault.id : this.texts.idIn(encoder),
        rows.map(({ id }) => id),
      );
    }
  }
}

/** The text of a class that the text extractor reads. */
export function classText(row: Pick<ClassRow, 'name' | 'description'>): string {
  const name = row.name.replaceAll(/[-_]+/g, ' ');
  return row.description === null ? name : `${name}: ${row.description}`;
}
