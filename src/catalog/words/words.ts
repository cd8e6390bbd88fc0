import { z } from 'zod';
import { throwIfCancelled } from '../../domain/errors.js';
import type { ItemWords } from '../../domain/lexical/item-terms.js';
import { readWords } from '../../domain/lexical/read-words.js';
import { outsideRequest } from '../../platform/request-work.js';
import type { Database } from '../postgres/database.js';
import type { ExpandedWords, Hit, Ranking, WordsQuery } from '../types.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';
import { findWords } from './expand-sql.js';
import { expansionOf } from './expansion.js';
import { itemLexemes } from './item-lexemes.js';
import { Stems } from './stems.js';
import { addWords, countWords } from './vocabulary.js';
import { candidates, type Forms, formsOf, gains, type Statement } from './words-sql.js';

/** Items whose words are added in one statement. */
const FILL_CHUNK = 500;
/** Sorts before every item id. */
const NIL = '00000000-0000-0000-0000-000000000000';
/** Words are counted again after this many writes, or after writes of a fifth of the catalogue. */
const WRITES_BEFORE_COUNT = 1_000;
const SHARE_BEFORE_COUNT = 0.2;
/** Candidates that are compared in full for each hit, where frequent forms generate none. */
const CANDIDATES_PER_HIT = 2;
const LEAST_CANDIDATES = 200;
/** Pairs whose items are looked up for each candidate. */
const GROUPS_PER_CANDIDATE = 2;

const NOTHING: Ranking = { hits: [], approximate: false };

const gainRow = z.object({ id: z.string(), gain: z.number(), groups: z.number().optional() });

/**
 * The words of items: the lexical evidence of a search, and what keeps it in step with the items. The similarity of an item
 * is the share of the query's units, each counted by its rarity, that the item or a counterpart of it has:
 * Σ weight · (best similarity of a form that occurs) / Σ weight. Where the whole query is a title it is .3 more, so that this
 * item comes first and the similarities of others do not depend on it.
 */
export class Words {
  private readonly stems = new Stems();
  /** Writes since the last count, and the number of items then. */
  private writes = 0;
  private counted = 0;
  private counting: Promise<void> = Promise.resolve();

  constructor(
    private readonly db: Database,
    private readonly onError: (error: Error) => void,
  ) {}

  /** The units of a text, and the forms in which they occur in the catalogue: one statement. */
  async expand(text: string): Promise<ExpandedWords> {
    const units = readWords(text);
    return units.length === 0 ? { units: [] } : expansionOf(units, await findWords(this.db, units));
  }

  /**
   * Items with the largest similarity above 0. If the query's forms have very many items, only the rarest forms and
   * conjunctions of units lead to candidates, which are then compared in full, and `approximate` is true. Of equal items at
   * the limit, those of the smallest pair ids are taken.
   */
  async rank(expanded: ExpandedWords, query: WordsQuery): Promise<Ranking> {
    const forms = formsOf(expanded);
    if (forms.all.length === 0 || query.limit <= 0) return NOTHING;
    const approximate = !forms.complete;
    const limit = approximate ? Math.max(LEAST_CANDIDATES, CANDIDATES_PER_HIT * query.limit) : query.limit;
    const found = await this.candidates(forms, { ...query, limit });
    if (!approximate) return { hits: hitsOf(found, forms.total), approximate };
    const compared = await this.run(
      gains(
        forms,
        found.map(({ id }) => id),
      ),
    );
    return { hits: hitsOf(compared, forms.total).slice(0, query.limit), approximate };
  }

  /** Without a filter, few groups have no item of the target, so that the first ones are enough for most queries. */
  private async candidates(forms: Forms, query: WordsQuery) {
    const { distributed } = this.db;
    // On a distributed database the text depends on the number of forms.
    const recurs = query.filter === null && !distributed;
    if (query.filter === null) {
      const groups = GROUPS_PER_CANDIDATE * query.limit;
      const found = await this.run(candidates(forms, query, groups, distributed), recurs);
      if (found.length === query.limit || (found[0]?.groups ?? groups) < groups) return found;
    }
    return await this.run(candidates(forms, query, null, distributed), recurs);
  }

  /** The similarity of each of these items that has words, itself or by a counterpart; 0 where none matches. */
  async similarities(expanded: ExpandedWords, ids: readonly string[]): Promise<Map<string, number>> {
    const forms = formsOf(expanded);
    if (forms.all.length === 0 || ids.length === 0) return new Map();
    const rows = await this.run(gains(forms, ids));
    return new Map(rows.map(({ id, gain }) => [id, gain / forms.total]));
  }

  /**
   * Adds what is new to the vocabulary. Call it before the transaction that stores the items, and `written` after it.
   *
   * @returns the items' `lexemes` as tsvector literals.
   */
  async prepare(items: readonly ItemWords[]): Promise<readonly string[]> {
    const { vectors, words } = await itemLexemes(this.db, this.stems, items);
    await addWords(this.db, words);
    return vectors;
  }

  /** Counts the words again, in the background, if enough items have been written since. */
  written(items: number): void {
    this.writes += items;
    if (this.writes < Math.max(WRITES_BEFORE_COUNT, SHARE_BEFORE_COUNT * this.counted)) return;
    this.writes = 0;
    this.counting = outsideRequest(() => this.counting.then(() => this.count())).catch(this.onError);
  }

  /** Counts the items of each word, by which rare words weigh more. */
  async count(): Promise<void> {
    this.writes = 0;
    await countWords(this.db);
    const [row] = await this.db.run<{ items: number | null }>(
      `SELECT documents AS items FROM word WHERE word = ''`,
    );
    this.counted = row?.items ?? 0;
  }

  /**
   * Adds the words of items that a version without them has stored, in chunks, each in a statement of its own, and counts
   * them. Several servers may do so at once; a chunk then costs its work again.
   *
   * @returns the number of items.
   * @throws CommonspaceError CANCELLED
   */
  async fill(signal?: AbortSignal): Promise<number> {
    let filled = 0;
    for (let after = NIL; ; ) {
      throwIfCancelled(signal);
      const items = await this.db.run<ItemWords & { id: string }>(
        `SELECT id, title, text, COALESCE(language, metadata->>'language') AS language FROM item
         WHERE lexemes IS NULL AND id > $1::uuid ORDER BY id LIMIT ${FILL_CHUNK}`,
        [after],
      );
      const last = items.at(-1);
      if (last === undefined) break;
      const vectors = await this.prepare(items);
      // A write in between has stored the words of what it wrote.
      await this.db.run(
        `UPDATE item i SET lexemes = a.lexemes::tsvector FROM unnest($1::uuid[], $2::text[]) AS a (id, lexemes)
         WHERE i.id = a.id AND i.lexemes IS NULL`,
        [encodeUuidArray(items.map(({ id }) => id)), vectors],
      );
      filled += items.length;
      after = last.id;
    }
    if (filled > 0) await this.count();
    return filled;
  }

  /** Waits for a count in the background. */
  async close(): Promise<void> {
    await this.counting;
  }

  /** A text with a filter does not recur. */
  private async run({ text, values }: Statement, recurs = true) {
    return z.array(gainRow).parse(await (recurs ? this.db.run(text, values) : this.db.runOnce(text, values)));
  }
}

function hitsOf(rows: readonly z.infer<typeof gainRow>[], total: number): Hit[] {
  return rows
    .filter(({ gain }) => gain > 0)
    .map(({ id, gain }) => ({ id, similarity: gain / total }))
    .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1));
}
