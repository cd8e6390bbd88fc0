import { z } from 'zod';
import type { ItemRow } from '../../catalog/types.js';
import { isStorable } from '../../domain/check.js';
import { badCursor } from '../../domain/cursor.js';
import { isUuid } from '../../domain/ids.js';
import type { ItemOrder, ItemPosition } from '../../domain/item-order.js';

/** Positions of items in an order, as cursors hold them: base64url of a JSON array of the id and the value. */

const position = z.tuple([z.string().refine(isUuid), z.string().refine(isStorable).nullable()]);

export function positionOf(item: ItemRow, { field }: ItemOrder): ItemPosition {
  return { id: item.id, value: field === 'CREATED_AT' ? item.createdAt : item.title };
}

export function encodePosition({ id, value }: ItemPosition): string {
  return Buffer.from(JSON.stringify([id, value])).toString('base64url');
}

/** @throws CommonspaceError BAD_CURSOR */
export function readPosition(text: string, { field }: ItemOrder): ItemPosition {
  const [id, value] = parse(text);
  if (field === 'TITLE') return { id, value };
  const date = new Date(value ?? Number.NaN);
  if (Number.isNaN(date.getTime())) throw badCursor();
  return { id, value: date };
}

function parse(text: string): z.infer<typeof position> {
  try {
    return position.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw badCursor();
  }
}
