import type { Modality } from '../../../domain/modality.js';
import {
  calibrationFigures,
  keptFigures,
  type ScoredResult,
} from '../../../evaluation/calibration-figures.js';
import { type RankingFigure, rankingFigures, scoresOf } from '../../../evaluation/ranking-figures.js';
import { LEAST_PROBABILITY } from '../../search/similarity-threshold.js';
import type { PreparedQuery, QueryRanking } from './rank-query.js';
import {
  type QueryForm,
  type QueryPool,
  SEARCH_METHODS,
  type SearchMethod,
  type SearchQualityRow,
  type SearchQualityTotal,
} from './search-quality-record.js';

interface Outcome {
  readonly scores: Readonly<Record<SearchMethod, Readonly<Record<RankingFigure, number>>>>;
  /** The methods that gave any result. */
  readonly answered: ReadonlySet<SearchMethod>;
  /** The first ten by DEFAULT. */
  readonly scored: readonly ScoredResult[];
}

interface Group {
  readonly pool: QueryPool;
  readonly target: Modality;
  readonly form: QueryForm;
  readonly language: string | null;
  readonly scenario: string;
  readonly outcomes: Outcome[];
}

export interface Answer {
  readonly query: PreparedQuery;
  readonly target: Modality;
  readonly scenario: string;
  readonly ranking: QueryRanking;
  /** Ids of the query's counterparts in the gallery; at least one. */
  readonly counterparts: ReadonlySet<string>;
  readonly hasSameClass: (id: string) => boolean;
}

/** Collects the outcomes of queries, and computes the figures of each group. */
export class Tally {
  private readonly groups = new Map<string, Group>();

  add({ query, target, scenario, ranking, counterparts, hasSameClass }: Answer): void {
    const outcome: Outcome = {
      scores: Object.fromEntries(
        SEARCH_METHODS.map((method) => {
          const ids = ranking.first[method];
          const results = {
            counterpart: ids.map((id) => counterparts.has(id)),
            sameClass: ids.map(hasSameClass),
          };
          return [method, scoresOf(results, counterparts.size)];
        }),
      ) as Outcome['scores'],
      answered: new Set(SEARCH_METHODS.filter((method) => ranking.first[method].length > 0)),
      scored: ranking.scored.map(({ id, score }) => ({ score, right: counterparts.has(id) })),
    };
    const { form, language } = query;
    for (const pool of query.pools) {
      const key = JSON.stringify([pool, target, form, language, scenario]);
      const group = this.groups.get(key) ?? { pool, target, form, language, scenario, outcomes: [] };
      this.groups.set(key, group);
      group.outcomes.push(outcome);
    }
  }

  /** In the order in which the groups were first added to. */
  rows(options: { readonly seed: number; readonly resamples: number }): SearchQualityRow[] {
    return [...this.groups.values()].map(({ outcomes, ...group }) => ({
      ...group,
      queries: outcomes.length,
      methods: Object.fromEntries(
        SEARCH_METHODS.map((method) => [
          method,
          outcomes.some(({ answered }) => answered.has(method))
            ? rankingFigures(
                outcomes.map(({ scores }) => scores[method]),
                options,
              )
            : null,
        ]),
      ) as SearchQualityRow['methods'],
      ...calibration(outcomes),
    }));
  }

  /** Over all forms and scenarios. */
  totals(): SearchQualityTotal[] {
    const merged = new Map<string, Pick<Group, 'pool' | 'target' | 'outcomes'>>();
    for (const { pool, target, outcomes } of this.groups.values()) {
      const total = merged.get(`${pool} ${target}`) ?? { pool, target, outcomes: [] };
      merged.set(`${pool} ${target}`, total);
      total.outcomes.push(...outcomes);
    }
    return [...merged.values()].map(({ pool, target, outcomes }) => ({
      pool,
      target,
      ...calibration(outcomes),
    }));
  }
}

function calibration(outcomes: readonly Outcome[]): Pick<SearchQualityRow, 'calibration' | 'cutOff'> {
  return {
    calibration: calibrationFigures(outcomes.flatMap(({ scored }) => scored.slice(0, 1))),
    cutOff: keptFigures(
      outcomes.flatMap(({ scored }) => scored),
      LEAST_PROBABILITY,
    ),
  };
}
