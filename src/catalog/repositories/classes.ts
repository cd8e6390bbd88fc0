import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../__generated__/prisma/client.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import type { ChangeStamp } from '../postgres/change-stamp.js';
import type { Database } from '../postgres/database.js';
import type { ClassRow } from '../types.js';
import { deleteClass, mergeClasses, renameClass } from './class-changes.js';

/** Selects classes. */
export interface ClassFilter {
  /** Part of the name, in any case; null: all. */
  readonly search: string | null;
  /** True: those of `seenIds`; false: the others; null: all. */
  readonly seen: boolean | null;
  readonly seenIds: readonly string[];
}

const NO_LIMIT = 2 ** 31 - 1;
const COLUMNS = { id: true, name: true, description: true } as const;

/** Classes: labels of items. Names are unique and ordered by code point. */
export class Classes {
  constructor(
    private readonly db: Database,
    private readonly changes: ChangeStamp,
  ) {}

  async byId(id: string): Promise<ClassRow | null> {
    return (await this.byIds([id]))[0] ?? null;
  }

  /** The classes that exist, by name. */
  byIds(ids: readonly string[]): Promise<ClassRow[]> {
    return this.many({ id: { in: [...ids] } });
  }

  /** The classes that exist, by name. */
  byNames(names: readonly string[]): Promise<ClassRow[]> {
    return this.many({ name: { in: [...names] } });
  }

  /** Every class, by name. */
  all(): Promise<ClassRow[]> {
    return this.many({});
  }

  async allNames(): Promise<string[]> {
    return (await this.all()).map((row) => row.name);
  }

  /** @throws CommonspaceError CLASS_EXISTS */
  async create(name: string, description: string | null): Promise<ClassRow> {
    try {
      const row = await this.db.prisma.class.create({
        data: { id: uuidv7(), name, description },
        select: COLUMNS,
      });
      await this.changes.add();
      return row;
    } catch (error) {
      if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') {
        throw new CommonspaceError('CLASS_EXISTS', `A class named "${name}" exists already.`, ['name']);
      }
      throw error;
    }
  }

  /** @throws CommonspaceError CLASS_EXISTS, UNKNOWN_CLASS, CLASS_IN_USE */
  async rename(id: string, after: Omit<ClassRow, 'id'>): Promise<ClassRow> {
    const row = await renameClass(this.db, id, after);
    await this.changes.add();
    return row;
  }

  /** Gives the items of classes the label of another one, and deletes the former. @throws CommonspaceError UNKNOWN_CLASS, CLASS_IN_USE */
  async merge(from: readonly string[], into: string): Promise<void> {
    await mergeClasses(this.db, from, into);
    await this.changes.add();
  }

  /** Deletes a class. Its items stay. @throws CommonspaceError UNKNOWN_CLASS, CLASS_IN_USE */
  async delete(id: string): Promise<void> {
    await deleteClass(this.db, id);
    await this.changes.add();
  }

  /** Matching classes, by name. */
  page(
    options: ClassFilter & { readonly afterName: string | null; readonly limit: number },
  ): Promise<ClassRow[]> {
    const after = options.afterName === null ? {} : { name: { gt: options.afterName } };
    return this.many({ AND: [where(options), after] }, options.limit);
  }

  async count(filter: ClassFilter): Promise<number> {
    return await this.db.prisma.class.count({ where: where(filter) });
  }

  /** The number of items (of a modality) of each class that has any, by class id. */
  async itemCounts(modality: Modality | null): Promise<Map<string, number>> {
    const ofModality =
      modality === null
        ? ''
        : 'JOIN item i ON i.id = ic.item_id AND i.home = ic.home AND i.modality = $1::modality';
    const rows = await this.db.run<{ id: string; count: number }>(
      `SELECT ic.class_id AS id, count(*)::int AS count FROM item_class ic ${ofModality} GROUP BY ic.class_id`,
      modality === null ? [] : [modality],
    );
    return new Map(rows.map(({ id, count }) => [id, count]));
  }

  /** Async, because a call of Prisma starts when it is awaited, and must start in the request that makes it. */
  private async many(where: Prisma.ClassWhereInput, limit = NO_LIMIT): Promise<ClassRow[]> {
    return await this.db.prisma.class.findMany({
      where,
      select: COLUMNS,
      orderBy: { name: 'asc' },
      take: limit,
    });
  }
}

function where({ search, seen, seenIds }: ClassFilter): Prisma.ClassWhereInput {
  // Prisma does not escape the wildcards of LIKE.
  const part = search?.replaceAll(/[\\%_]/g, '\\$&');
  const ids = [...seenIds];
  return {
    ...(part ? { name: { contains: part, mode: 'insensitive' } } : {}),
    ...(seen === null ? {} : { id: seen ? { in: ids } : { notIn: ids } }),
  };
}
