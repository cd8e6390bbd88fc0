import type { Queryable } from '../postgres/database.js';
import { homesOf } from '../postgres/homes.js';
import type { ItemWrite } from '../types.js';
import { encodeHomes, encodeUuidArray } from '../vectors/vector-codec.js';
import { distinct } from './item-links.js';

/** Gives the items of writes their classes in place of those that they have. */
export async function setClasses(
  tx: Queryable,
  writes: readonly ItemWrite[],
  classIds: ReadonlyMap<string, string>,
): Promise<void> {
  const labelled = writes.flatMap(({ id, classNames }) => (classNames === null ? [] : [{ id, classNames }]));
  if (labelled.length === 0) return;
  const links = labelled.flatMap(({ id, classNames }) =>
    distinct(classNames).map((name) => ({ item: id, class: classIds.get(name) ?? '' })),
  );
  const items = encodeUuidArray(links.map((link) => link.item));
  const classes = encodeUuidArray(links.map((link) => link.class));
  await tx.run(
    `DELETE FROM item_class WHERE item_id = ANY($1::uuid[])
       AND (item_id, class_id) NOT IN (SELECT * FROM unnest($2::uuid[], $3::uuid[]))`,
    [encodeUuidArray(labelled.map(({ id }) => id)), items, classes],
  );
  await addClasses(tx, links);
}

/** Gives items that exist these classes. */
export async function addClasses(
  tx: Queryable,
  links: readonly { readonly item: string; readonly class: string }[],
): Promise<void> {
  const homes = await homesOf(
    tx,
    links.map(({ item }) => item),
  );
  await tx.run(
    `INSERT INTO item_class (item_id, class_id, home) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
     ON CONFLICT DO NOTHING`,
    [
      encodeUuidArray(links.map((link) => link.item)),
      encodeUuidArray(links.map((link) => link.class)),
      encodeHomes(links.map(({ item }) => homes.get(item.toLowerCase()) ?? null)),
    ],
  );
}
