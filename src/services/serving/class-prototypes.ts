import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import type { ClassRow } from '../../catalog/types.js';
import { gather } from '../../encoder/math/matrix.js';
import { classPrototype } from '../../evaluation/class-prototype.js';
import type { ClassTable } from '../../evaluation/classification-figures.js';
import type { FeatureExtractors } from '../../features/types.js';
import type { ActiveEncoder, LoadedEncoder } from './active-encoder.js';

export interface Prototype {
  /** Of unit length; zeros where neither a name nor an item says where. */
  readonly vector: Float32Array;
  /** How many items it is made of, besides the name. */
  readonly items: number;
}

/** Where classes stand, in feature space by their names and in the common space by their prototypes. */
export class ClassPrototypes {
  /** Embeddings of names, of the encoder asked about last alone. */
  private named = { encoderId: '', byClass: new Map<string, Float32Array>() };

  constructor(
    private readonly catalog: Catalog,
    private readonly features: FeatureExtractors,
    private readonly encoders: ActiveEncoder,
  ) {}

  /** Text features of names and descriptions, extracted where missing; a class embedding comes from them. */
  async ensureFeatures(rows: readonly ClassRow[], signal?: AbortSignal): Promise<Map<string, Float32Array>> {
    const extractor = this.features.text.id;
    const known = await this.catalog.vectors.classFeatures(
      extractor,
      rows.map((row) => row.id),
    );
    const missing = rows.filter((row) => !known.has(row.id));
    if (missing.length === 0) return known;
    const features = await this.features.extractTexts(missing.map(classText), { signal });
    const made = new Map(missing.flatMap((row, i) => (features[i] ? [[row.id, features[i]] as const] : [])));
    await this.catalog.vectorWrites.putClassFeatures(extractor, made);
    return new Map([...known, ...made]);
  }

  /** Every class with its text feature, for what is measured of all of them. */
  async classTable(): Promise<ClassTable> {
    const rows = await this.catalog.classes.all();
    const features = await this.ensureFeatures(rows);
    return {
      ids: rows.map((row) => row.id),
      features: gather(rows.map((row) => features.get(row.id))),
    };
  }

  /** Where each class stands in the encoder's common space, in the order of the rows; see classPrototype. */
  async of(rows: readonly ClassRow[], active: LoadedEncoder): Promise<Prototype[]> {
    const [features, means] = await Promise.all([
      this.ensureFeatures(rows),
      this.catalog.vectors.classMeans(
        active.row.id,
        rows.map((row) => row.id),
      ),
    ]);
    const names = await this.nameEmbeddings(features, active);
    return rows.map((row) => {
      const mean = means.get(row.id);
      const vector = classPrototype(names.get(row.id), mean, active.row.dimension);
      return { vector, items: mean?.count ?? 0 };
    });
  }

  /** Embeddings of class features. An encoder never changes, nor does what a class is called: they are worked out once. */
  private async nameEmbeddings(
    features: ReadonlyMap<string, Float32Array>,
    active: LoadedEncoder,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    if (!this.encoders.understands(active, 'TEXT')) return new Map();
    if (this.named.encoderId !== active.row.id) this.named = { encoderId: active.row.id, byClass: new Map() };
    const { byClass } = this.named;
    let worked = 0;
    for (const [id, feature] of features) {
      if (byClass.has(id)) continue;
      // Many classes take a while: others get their turn between.
      if (worked++ % 16 === 15) await setImmediate();
      byClass.set(id, active.encoder.embed('TEXT', feature));
    }
    return byClass;
  }
}

/** The text of a class that the text extractor reads. */
export function classText(row: Pick<ClassRow, 'name' | 'description'>): string {
  const name = row.name.replaceAll(/[-_]+/g, ' ');
  return row.description === null ? name : `${name}: ${row.description}`;
}
