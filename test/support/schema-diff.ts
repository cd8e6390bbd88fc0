import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';

// The compiler's library for Node has no types for it.
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ readonly instance: { readonly exports: unknown } }>;
};

const require = createRequire(import.meta.url);

// The function that binds an adapter to the engine is in the adapter's package.
const utils: typeof import('@prisma/driver-adapter-utils') = createRequire(
  require.resolve('@prisma/adapter-pg'),
)('@prisma/driver-adapter-utils');

/**
 * The script by which Prisma's schema engine would migrate the database to `schema` (the text of a schema.prisma). If nothing
 * would change, the script says that it is empty.
 */
export async function schemaDiff(pool: pg.Pool, schema: string): Promise<string> {
  const { SchemaEngine } = await loadEngine();
  const files = [{ path: 'schema.prisma', content: schema }];
  const adapter = utils.bindMigrationAwareSqlAdapterFactory(adapterOf(pool));
  const engine = await SchemaEngine.new({ datamodels: [['schema.prisma', schema]] }, () => {}, adapter);
  const { stdout } = await engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: '.' },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  return (stdout ?? '').trim();
}

/** The package's entry imports its .wasm as a module, which Node does not support. */
function loadEngine(): Promise<Engine> {
  loaded ??= instantiate();
  return loaded;
}

type Engine = typeof import('@prisma/schema-engine-wasm');
// Once: the bindings have a single instance, and objects of an earlier instance must not be freed in a later one.
let loaded: Promise<Engine> | undefined;

async function instantiate(): Promise<Engine> {
  const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const path = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg').replace(/\.js$/, '.wasm');
  const { instance } = await WebAssembly.instantiate(await readFile(path), {
    './schema_engine_bg.js': bindings,
  });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports as { __wbindgen_start(): void }).__wbindgen_start();
  return bindings;
}

const CHAR = 18;
const CHAR_ARRAY = 1002;

/**
 * The engine reads columns of the internal type "char", which the adapter does not support. They are passed as the array
 * type, which it supports, and converted to the single characters that the engine expects.
 */
function adapterOf(pool: pg.Pool): PrismaPg {
  const query = async (config: pg.QueryConfig) => {
    const result = await pool.query(config);
    for (const field of result.fields) if (field.dataTypeID === CHAR) field.dataTypeID = CHAR_ARRAY;
    return result;
  };
  const marked = new Proxy(pool, {
    get: (target, key) => (key === 'query' ? query : Reflect.get(target, key, target)),
  });
  const factory = new PrismaPg(marked);
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (sql) => {
      const result = await queryRaw(sql);
      const { Character, CharacterArray } = utils.ColumnTypeEnum;
      return {
        ...result,
        columnTypes: result.columnTypes.map((type) => (type === CharacterArray ? Character : type)),
      };
    };
    return adapter;
  };
  return factory;
}
