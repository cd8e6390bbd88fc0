import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../__generated__/prisma/client.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import type { Database } from '../postgres/database.js';
import type { ClassRow } from '../types.js';

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
  constructor(private readonly db: Database) {}

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
      return await this.db.prisma.class.create({
        data: { id: uuidv7(), name, description },
        select: COLUMNS,
      });
    } catch (error) {
      if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') {
        throw new CommonspaceError('CLASS_EXISTS', `A class named "${name}" exists already.`, ['name']);
      }
      throw error;
    }
  }

  /** Matching classes, by name. */
  page(
    options: ClassFilter & { readonly afterName: string | null; readonly limit: number },
  ): Promise<ClassRow[]> {
    const after = options.afterName === null ? {} : { name: { gt: options.afterName } };
    return this.many({ AND: [where(options), after] }, options.limit);
  }

  count(filter: ClassFilter): Promise<number> {
    return this.db.prisma.class.count({ where: where(filter) });
  }

  /** The number of items (of a modality) of each class; an entry for every given id. */
  async itemCounts(classIds: readonly string[], modality: Modality | null): Promise<Map<string, number>> {
    const groups = await this.db.prisma.itemClass.groupBy({
      by: ['classId'],
      where: { classId: { in: [...classIds] }, ...(modality ? { item: { modality } } : {}) },
      _count: true,
    });
    const counts = new Map(classIds.map((id) => [id, 0]));
    for (const group of groups) counts.set(group.classId, group._count);
    return counts;
  }

  private many(where: Prisma.ClassWhereInput, limit = NO_LIMIT): Promise<ClassRow[]> {
    return this.db.prisma.class.findMany({ where, select: COLUMNS, orderBy: { name: 'asc' }, take: limit });
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
