import type { JsonObject } from '../../catalog/types.js';
import { checkLabel, checkNesting, checkStorable, checkStorableJson, checkText } from '../../domain/check.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import type { ImageSource } from '../serving/image-source.js';

/** An item to store. Fields left out keep the values of a stored item of the same identity. */
export interface IngestInput {
  readonly content: { readonly text: string } | ImageSource;
  readonly externalId?: string | null | undefined;
  readonly title?: string | null | undefined;
  readonly classes?: readonly string[] | null | undefined;
  readonly pairKey?: string | null | undefined;
  readonly metadata?: JsonObject | null | undefined;
}

/**
 * Checks an input before its content is read.
 *
 * @throws CommonspaceError naming the malformed field below `field`.
 */
export function checkIngestInput(input: IngestInput, field: FieldPath): void {
  const { content } = input;
  if ('text' in content) checkText(content.text, LIMITS.textCharacters, [...field, 'content', 'text']);
  else checkSource(content, [...field, 'content']);
  checkDescription(input, field);
}

/**
 * Checks what describes an item besides its content.
 *
 * @param listName the name of the field of the classes
 * @throws CommonspaceError BAD_INPUT naming the malformed field below `field`
 */
export function checkDescription(
  { externalId, title, classes, pairKey, metadata }: Omit<IngestInput, 'content'>,
  field: FieldPath,
  listName = 'classes',
): void {
  if (externalId != null) checkLabel(externalId, LIMITS.externalIdCharacters, [...field, 'externalId']);
  if (pairKey != null) checkLabel(pairKey, LIMITS.pairKeyCharacters, [...field, 'pairKey']);
  if (title != null && title !== '') checkLabel(title, LIMITS.titleCharacters, [...field, 'title']);
  if (classes != null) checkClasses(classes, [...field, listName]);
  if (metadata != null) checkMetadata(metadata, [...field, 'metadata']);
}

function checkSource(source: ImageSource, field: FieldPath): void {
  for (const [name, value] of Object.entries(source)) {
    if (typeof value === 'string') checkStorable(value, [...field, name]);
  }
}

function checkClasses(classes: readonly string[], field: FieldPath): void {
  if (classes.length > LIMITS.classesPerItem) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `An item may have ${LIMITS.classesPerItem} classes at most.`,
      field,
    );
  }
  classes.forEach((name, i) => {
    checkLabel(name, LIMITS.classNameCharacters, [...field, String(i)]);
  });
}

function checkMetadata(metadata: JsonObject, field: FieldPath): void {
  checkNesting(metadata, LIMITS.metadataLevels, field);
  const json = JSON.stringify(metadata);
  if (json.length > LIMITS.metadataCharacters) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `Metadata may have ${LIMITS.metadataCharacters} characters at most.`,
      field,
    );
  }
  checkStorableJson(json, field);
}
