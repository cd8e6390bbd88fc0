import { type GraphQLInputType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql';
import { RawJson } from './raw-json.js';

const NAME = /^[A-Za-z_]\w*$/;

/**
 * A value as a literal of a document. Fields whose names a document cannot have are left out.
 *
 * @param type tells enums from strings; null where the value does not fit its type
 */
export function writeLiteral(value: unknown, type: GraphQLInputType | null): string {
  if (type !== null && isNonNullType(type)) return writeLiteral(value, type.ofType);
  if (value instanceof RawJson) return value.text.replace(/"([A-Za-z_]\w*)":/g, '$1:');
  const element = type !== null && isListType(type) ? type.ofType : type;
  if (Array.isArray(value)) return `[${value.map((one) => writeLiteral(one, element)).join(', ')}]`;
  if (element !== type) return writeLiteral(value, element);
  if (typeof value === 'object' && value !== null) {
    const fields = type !== null && isInputObjectType(type) ? type.getFields() : {};
    const written = Object.entries(value)
      .filter(([name]) => NAME.test(name))
      .map(([name, field]) => `${name}: ${writeLiteral(field, fields[name]?.type ?? null)}`);
    return `{${written.join(', ')}}`;
  }
  const isName = type !== null && isEnumType(type) && typeof value === 'string' && NAME.test(value);
  return isName ? value : (JSON.stringify(value) ?? 'null');
}
