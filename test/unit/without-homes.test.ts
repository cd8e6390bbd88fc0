import { expect, it } from 'vitest';
import { withoutHomes } from '../../src/catalog/postgres/without-homes.js';

it('leaves out comparisons of homes, and homes by which rows are grouped', () => {
  const statement = `SELECT i.id, i.home FROM item i JOIN item q ON q.pair_id = i.pair_id AND q.home = i.home AND q.modality = 'TEXT'
      JOIN feature f ON f.item_id = q.id
        AND f.home = q.home
    WHERE i.id = ANY($1) GROUP BY i.id, i.home ORDER BY i.id`;
  expect(withoutHomes(statement)).toBe(
    `SELECT i.id, i.home FROM item i JOIN item q ON q.pair_id = i.pair_id AND q.modality = 'TEXT'
      JOIN feature f ON f.item_id = q.id
    WHERE i.id = ANY($1) GROUP BY i.id ORDER BY i.id`,
  );
  const other = `INSERT INTO pair (id, home, key) SELECT p.id, p.home FROM p WHERE p.home <> p.id AND p.home_page = p.home_page`;
  expect(withoutHomes(other)).toBe(other);
});
