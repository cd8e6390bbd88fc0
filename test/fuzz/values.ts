import {
  type GraphQLEnumType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql';
import type { Draw } from './draw.js';
import {
  EDGE_ADDRESSES,
  EDGE_BASE64,
  EDGE_BOOLEANS,
  EDGE_DATES,
  EDGE_FLOATS,
  EDGE_IDS,
  EDGE_INTS,
  EDGE_OBJECTS,
  EDGE_STRINGS,
} from './edge-values.js';
import type { Pool } from './pool.js';
import { RawJson, writeJson } from './raw-json.js';

/** Characters of a long list at most. */
const LIST_CHARACTERS = 300_000;

function longList(element: unknown, length: number): unknown[] {
  const characters = writeJson(element).length;
  return Array.from({ length: Math.min(length, Math.ceil(LIST_CHARACTERS / characters)) }).fill(element);
}

/** How deep input objects nest within each other, for example the filters of a filter. */
const DEPTH = 4;
/** Lengths of lists of an edge: one more than the limits of the API. */
const LONG_LISTS = [17, 65, 101, 1_001];
/** Filters nested in one filter as an edge. */
const DEEP_FILTERS = [30, 99, 101, 400, 3_000, 30_000];

const PLAIN_TEXTS = ['a red circle', 'circle', 'big blue', 'ring OR square', '"small green"', 'circl*', 'x'];
const PLAIN_DATES = ['2020-01-01T00:00:00Z', '2026-06-01T12:00:00+02:00', '2040-01-01T00:00:00Z'];
const PLAIN_OBJECTS = [
  {},
  { colour: 'red' },
  { size: 3 },
  { language: 'en' },
  { tune: 'none' },
  { a: { b: [1, null] } },
];

/**
 * Draws values of input types. Most are values that a caller would send, so that operations reach the product; the others
 * are at or beyond the edge of what is allowed.
 */
export class Values {
  /** @param wildness the share of edges among the values, 0 to 1 */
  constructor(
    private readonly draw: Draw,
    private readonly pool: Pool,
    private readonly wildness: number,
  ) {}

  /** @param name the argument or the input field that the value is for */
  of(type: GraphQLInputType, name: string, depth = 0): unknown {
    const { draw } = this;
    if (draw.chance(this.wildness / 4)) return draw.chance(0.5) ? null : draw.pick(EDGE_STRINGS);
    if (isNonNullType(type)) return this.of(type.ofType, name, depth);
    if (isListType(type)) return this.list(type.ofType, name, depth);
    if (isInputObjectType(type)) return this.object(type, depth);
    if (isEnumType(type)) return this.enumValue(type);
    const edge = draw.chance(this.wildness);
    return edge ? this.edge(type.name, name) : this.plain(type.name, name);
  }

  private list(type: GraphQLInputType, name: string, depth: number): unknown {
    const { draw } = this;
    if (name === 'vector' && !draw.chance(this.wildness)) {
      return draw.list(this.pool.dimension, () => draw.int(2_001) / 1_000 - 1);
    }
    if (draw.chance(this.wildness)) {
      const element = () => this.of(type, name, depth + 1);
      return draw.pick<() => unknown>([
        () => [],
        () => [null],
        element,
        () => longList(element(), draw.pick(LONG_LISTS)),
        () => [[element()]],
      ])();
    }
    return draw.list(1 + draw.int(3), () => this.of(type, name, depth + 1));
  }

  private object(type: GraphQLInputObjectType, depth: number): unknown {
    const { draw, wildness } = this;
    const fields = Object.values(type.getFields());
    if (type.name === 'ItemFilter' && draw.chance(wildness / 4)) return this.deepFilter();
    const few = depth >= DEPTH;
    let chosen = fields.filter((field) =>
      isRequiredInputField(field) ? !draw.chance(wildness / 5) : !few && draw.chance(0.3),
    );
    if (type.isOneOf && !draw.chance(wildness / 2)) {
      chosen = [
        draw.pick(
          few ? fields.filter(({ type: field }) => !isInputObjectType(getNullableType(field))) : fields,
        ),
      ];
    }
    const object = Object.fromEntries(
      chosen.map((field) => [field.name, this.of(field.type, field.name, depth + 1)]),
    );
    return draw.chance(wildness / 10) ? { ...object, unknownField: 1 } : object;
  }

  private deepFilter(): RawJson {
    const depth = this.draw.pick(DEEP_FILTERS);
    const [begin, end] = this.draw.pick([
      ['{"not":', '}'],
      ['{"and":[', ']}'],
      ['{"or":[', ']}'],
    ] as const);
    return new RawJson(`${begin.repeat(depth)}{"modality":null}${end.repeat(depth)}`);
  }

  private enumValue(type: GraphQLEnumType): unknown {
    const { name } = this.draw.pick(type.getValues());
    return this.draw.chance(this.wildness)
      ? this.draw.pick([name.toLowerCase(), 'UNKNOWN', 0, '', [name]])
      : name;
  }

  private edge(type: string, name: string): unknown {
    const { draw } = this;
    switch (type) {
      case 'Int':
        return draw.pick(EDGE_INTS);
      case 'Float':
        return draw.pick(EDGE_FLOATS);
      case 'Boolean':
        return draw.pick(EDGE_BOOLEANS);
      case 'DateTime':
        return draw.pick(EDGE_DATES);
      case 'JSONObject':
        return draw.pick(EDGE_OBJECTS);
      case 'ID':
        return draw.pick(draw.chance(0.7) ? EDGE_IDS : EDGE_STRINGS);
      default:
        if (/url/i.test(name)) return draw.pick(EDGE_ADDRESSES);
        if (/base64/i.test(name)) return draw.pick(EDGE_BASE64);
        return draw.pick(EDGE_STRINGS);
    }
  }

  private plain(type: string, name: string): unknown {
    const { draw } = this;
    switch (type) {
      case 'Int':
        return draw.pick([1, 2, 3, 5, 10]);
      case 'Float':
        return draw.pick([0, 0.1, 0.25, 0.5, 0.9, 1]);
      case 'Boolean':
        return draw.chance(0.5);
      case 'DateTime':
        return draw.pick(PLAIN_DATES);
      case 'JSONObject':
        return draw.pick(PLAIN_OBJECTS);
      case 'ID':
        return this.plainId(name);
      default:
        return this.plainString(name);
    }
  }

  private plainId(name: string): string {
    const { draw, pool } = this;
    if (/media/i.test(name)) return draw.pick(pool.media);
    if (/item/i.test(name)) return draw.pick(pool.items);
    return draw.pick(draw.pick([pool.items, pool.items, pool.classes, pool.encoders]));
  }

  private plainString(name: string): string {
    const { draw, pool } = this;
    if (/after|before|cursor/i.test(name)) return draw.pick(pool.cursors);
    if (/url/i.test(name)) return draw.pick(pool.addresses);
    if (/base64/i.test(name)) return draw.pick(pool.pictures).toString('base64');
    if (/class|among|^from$|into/i.test(name)) return draw.pick(pool.classNames);
    if (/externalId|pairKey/i.test(name)) return draw.pick(pool.keys);
    if (/key/i.test(name)) return draw.pick(['colour', 'size', 'language']);
    if (/extractor|model/i.test(name)) return draw.pick(['default', 'hsv-hog']);
    return draw.pick(draw.chance(0.3) ? pool.classNames : PLAIN_TEXTS);
  }
}
