import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_VERSIONS } from './domain/encoder-status.js';
import { CommonspaceError } from './domain/errors.js';
import type { MediaBucket } from './domain/media-bucket.js';

/** All settings. Only this file reads the environment; docs/operations.md lists the variables with their defaults. */
export interface Config {
  /** Address of a Postgres with pgvector; null: the embedded database in `dataDir`. */
  readonly databaseUrl: string | null;
  /** Addresses of streaming replicas of `databaseUrl`, which answer what requests read. */
  readonly replicaUrls: readonly string[];
  /** Seconds by which a replica may lag; one that lags by more is left out. */
  readonly replicaLagSeconds: number;
  /** Folder of the pictures and of the embedded database. */
  readonly dataDir: string;
  /** Object storage of the pictures; null: they are in the data folder. */
  readonly media: MediaBucket | null;
  /** Address of the server that commands work through; null: they open the database, or find the server of the data folder. */
  readonly server: string | null;
  /** The key that commands send to a server. */
  readonly key: string | null;
  readonly host: string;
  readonly port: number;
  /** Accepted keys of `Authorization: Bearer`. Required to listen on an address other than loopback. */
  readonly apiKeys: readonly string[];
  /** Origins whose pages may send requests with a key. */
  readonly corsOrigins: readonly string[];
  /** Whether callers may read the schema. */
  readonly introspection: boolean;
  /** A JSON file of the only documents that callers may run, by id; null: all. */
  readonly trustedDocuments: string | null;
  /** Units of cost, and bytes, that a caller may use in a minute if its key has no limits of its own; 0: no limit. */
  readonly costPerMinute: number;
  readonly bytesPerMinute: number;
  /** `default`, `hsv-hog`, `dir:PATH` of a tfjs model, `onnx:PATH` or `hf:ORG/NAME`. */
  readonly imageModel: string;
  /** `default`, `onnx:PATH` or `hf:ORG/NAME`. */
  readonly textModel: string;
  /** Extractors that callers of the API may train encoders on, besides the built-in ones. */
  readonly imageModels: readonly string[];
  readonly textModels: readonly string[];
  /** Base address of the hub of `hf:` models. */
  readonly modelHub: string;
  /** Megabytes of one model of the hub at most. */
  readonly modelMegabytes: number;
  /** Private networks (CIDR) that `imageUrl` may reach. */
  readonly fetchAllow: readonly string[];
  /** Folders that callers of the API may ingest from, by the last part of their path. */
  readonly ingestFolders: readonly string[];
  /** Megabytes of one file to ingest at most, uploaded or at an address. */
  readonly uploadMegabytes: number;
  /** Worker threads for extraction; null: one for each core, at most four. */
  readonly workers: number | null;
  /** Megabytes in which the embedded database keeps pages; null: 128 for a server or a long command, 32 for a short one. */
  readonly embeddedBuffers: number | null;
  /** Number of retired encoder versions to keep. */
  readonly keepEncoders: number;
  /** A new encoder is activated if its held-out map is below that of the active one by at most this. */
  readonly promotionTolerance: number;
  /** Jobs that a server or a worker does at once; 0: none. */
  readonly jobs: number;
  /** Seconds that a server that stops gives the requests that it answers. */
  readonly drainSeconds: number;
  /** Seconds in which a server that stops says that it is not ready, and still takes requests. */
  readonly stopDelaySeconds: number;
  /** Whether embeddings of queries are sampled, to tell when the encoder no longer fits. */
  readonly sampleQueries: boolean;
  /** Operations that take this many milliseconds are logged with their details; 0: none. */
  readonly slowMs: number;
  /** The name of the service in traces; null: no traces. The SDK of OpenTelemetry reads its further settings itself. */
  readonly tracedAs: string | null;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const IMAGE_MODEL = /^(default|hsv-hog|(dir|onnx|hf):.+)$/;
const IMAGE_MODEL_RULE = 'must be default, hsv-hog, dir:PATH, onnx:PATH or hf:ORG/NAME';
const TEXT_MODEL = /^(default|(onnx|hf):.+)$/;
const TEXT_MODEL_RULE = 'must be default, onnx:PATH or hf:ORG/NAME';

/** Scheme, host and port, as a browser sends it. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

const perMinute = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0);

const otlpAddress = z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }).optional();
const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[\w.-]+)*)\/?$/;

const POSTGRES = /^postgres(ql)?:\/\//;

const environment = z.object({
  DATABASE_URL: z.string().regex(POSTGRES, 'must start with postgresql://').optional(),
  DATABASE_REPLICA_URL: list
    .refine(
      (urls) => urls.every((url) => POSTGRES.test(url) && URL.canParse(url)),
      'must be addresses that start with postgresql://',
    )
    .default([]),
  COMMONSPACE_REPLICA_LAG_SECONDS: z.coerce.number().min(0.1).max(3600).default(10),
  COMMONSPACE_DATA: z.string().min(1).default('./data'),
  COMMONSPACE_MEDIA: z.string().regex(BUCKET, 'must be s3://BUCKET or s3://BUCKET/PREFIX').optional(),
  COMMONSPACE_S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }).optional(),
  COMMONSPACE_S3_REGION: z.string().min(1).default('us-east-1'),
  /** The names that other programs use, too. */
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  COMMONSPACE_SERVER: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }).optional(),
  COMMONSPACE_KEY: z.string().min(1).optional(),
  COMMONSPACE_HOST: z.string().min(1).default('127.0.0.1'),
  COMMONSPACE_PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  COMMONSPACE_API_KEYS: list
    .refine((keys) => keys.every((key) => key.length >= 16), 'every key must have 16 characters or more')
    .default([]),
  COMMONSPACE_CORS_ORIGINS: list
    .refine((origins) => origins.every(isOrigin), 'must be origins such as https://shop.example')
    .default([]),
  COMMONSPACE_INTROSPECTION: z.enum(['on', 'off']).default('on'),
  COMMONSPACE_TRUSTED_DOCUMENTS: z.string().min(1).optional(),
  COMMONSPACE_COST_PER_MINUTE: perMinute,
  COMMONSPACE_BYTES_PER_MINUTE: perMinute,
  COMMONSPACE_IMAGE_MODEL: z.string().regex(IMAGE_MODEL, IMAGE_MODEL_RULE).default('default'),
  COMMONSPACE_IMAGE_MODELS: list
    .refine((names) => names.every((name) => IMAGE_MODEL.test(name)), `each ${IMAGE_MODEL_RULE}`)
    .default([]),
  COMMONSPACE_TEXT_MODEL: z.string().regex(TEXT_MODEL, TEXT_MODEL_RULE).default('default'),
  COMMONSPACE_TEXT_MODELS: list
    .refine((names) => names.every((name) => TEXT_MODEL.test(name)), `each ${TEXT_MODEL_RULE}`)
    .default([]),
  /** The name that other programs of the hub use, too. */
  HF_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) address' })
    .default('https://huggingface.co'),
  COMMONSPACE_MODEL_MEGABYTES: z.coerce.number().int().min(1).max(1_000_000).default(4096),
  COMMONSPACE_FETCH_ALLOW: list
    .refine(
      (networks) => networks.every((n) => /^[0-9a-f.:]+\/\d+$/i.test(n)),
      'must be networks such as 10.0.0.0/8',
    )
    .default([]),
  COMMONSPACE_INGEST_FOLDERS: list
    .refine(
      (paths) => new Set(paths.map((path) => basename(resolve(path)))).size === paths.length,
      'must be folders that differ in the last part of their paths',
    )
    .default([]),
  COMMONSPACE_UPLOAD_MEGABYTES: z.coerce.number().int().min(1).max(10_000_000).default(10_240),
  COMMONSPACE_WORKERS: z.coerce.number().int().min(1).max(64).optional(),
  COMMONSPACE_EMBEDDED_BUFFERS: z.coerce.number().int().min(1).max(1024).optional(),
  COMMONSPACE_KEEP_ENCODERS: z.coerce.number().int().min(0).max(1000).default(DEFAULT_VERSIONS.keepRetired),
  COMMONSPACE_PROMOTION_TOLERANCE: z.coerce.number().min(0).max(1).default(DEFAULT_VERSIONS.tolerance),
  COMMONSPACE_JOBS: z.coerce.number().int().min(0).max(16).default(1),
  COMMONSPACE_DRAIN_SECONDS: z.coerce.number().min(0).max(3600).default(20),
  COMMONSPACE_STOP_DELAY_SECONDS: z.coerce.number().min(0).max(600).default(0),
  COMMONSPACE_QUERY_SAMPLES: z.enum(['on', 'off']).default('on'),
  COMMONSPACE_SLOW_MS: z.coerce.number().int().min(0).max(86_400_000).default(2_000),
  OTEL_EXPORTER_OTLP_ENDPOINT: otlpAddress,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: otlpAddress,
  OTEL_SERVICE_NAME: z.string().default('commonspace'),
  OTEL_SDK_DISABLED: z.string().optional(),
  OTEL_TRACES_EXPORTER: z.string().optional(),
  COMMONSPACE_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info'),
});

/** Values of a command. Those of its flags override the environment, which overrides `embeddedBuffers`. */
export type ConfigOverrides = Partial<
  Pick<Config, 'dataDir' | 'server' | 'key' | 'host' | 'port' | 'imageModel' | 'embeddedBuffers' | 'jobs'>
>;

/**
 * Reads the settings from the environment. A command's flags override them.
 *
 * @throws CommonspaceError BAD_CONFIG that names all malformed settings.
 */
export function readConfig(
  overrides: ConfigOverrides = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  // An empty variable counts as unset, as in `FOO= commonspace …` and in compose files with blank values.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new CommonspaceError('BAD_CONFIG', `The configuration is invalid: ${faults.join('; ')}.`, [
      String(parsed.error.issues[0]?.path[0] ?? ''),
    ]);
  }
  const value = parsed.data;
  return {
    databaseUrl: value.DATABASE_URL ?? null,
    replicaUrls: replicasOf(value),
    replicaLagSeconds: value.COMMONSPACE_REPLICA_LAG_SECONDS,
    dataDir: overrides.dataDir ?? value.COMMONSPACE_DATA,
    media: bucketOf(value),
    // A data folder that a flag names is meant, rather than the server of the environment.
    server: overrides.server ?? (overrides.dataDir === undefined ? value.COMMONSPACE_SERVER : null) ?? null,
    key: overrides.key ?? value.COMMONSPACE_KEY ?? null,
    host: overrides.host ?? value.COMMONSPACE_HOST,
    port: overrides.port ?? value.COMMONSPACE_PORT,
    apiKeys: value.COMMONSPACE_API_KEYS,
    corsOrigins: value.COMMONSPACE_CORS_ORIGINS,
    introspection: value.COMMONSPACE_INTROSPECTION === 'on',
    trustedDocuments: value.COMMONSPACE_TRUSTED_DOCUMENTS ?? null,
    costPerMinute: value.COMMONSPACE_COST_PER_MINUTE,
    bytesPerMinute: value.COMMONSPACE_BYTES_PER_MINUTE,
    imageModel: overrides.imageModel ?? value.COMMONSPACE_IMAGE_MODEL,
    textModel: value.COMMONSPACE_TEXT_MODEL,
    imageModels: value.COMMONSPACE_IMAGE_MODELS,
    textModels: value.COMMONSPACE_TEXT_MODELS,
    modelHub: value.HF_ENDPOINT,
    modelMegabytes: value.COMMONSPACE_MODEL_MEGABYTES,
    fetchAllow: value.COMMONSPACE_FETCH_ALLOW,
    ingestFolders: value.COMMONSPACE_INGEST_FOLDERS,
    uploadMegabytes: value.COMMONSPACE_UPLOAD_MEGABYTES,
    workers: value.COMMONSPACE_WORKERS ?? null,
    embeddedBuffers: value.COMMONSPACE_EMBEDDED_BUFFERS ?? overrides.embeddedBuffers ?? null,
    keepEncoders: value.COMMONSPACE_KEEP_ENCODERS,
    promotionTolerance: value.COMMONSPACE_PROMOTION_TOLERANCE,
    jobs: overrides.jobs ?? value.COMMONSPACE_JOBS,
    drainSeconds: value.COMMONSPACE_DRAIN_SECONDS,
    stopDelaySeconds: value.COMMONSPACE_STOP_DELAY_SECONDS,
    sampleQueries: value.COMMONSPACE_QUERY_SAMPLES === 'on',
    slowMs: value.COMMONSPACE_SLOW_MS,
    tracedAs: isTraced(value) ? value.OTEL_SERVICE_NAME : null,
    logLevel: value.COMMONSPACE_LOG_LEVEL,
  };
}

/** By the variables that all programs with OpenTelemetry have. */
function isTraced(value: z.output<typeof environment>): boolean {
  const endpoint = value.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? value.OTEL_EXPORTER_OTLP_ENDPOINT;
  const isOff = value.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || value.OTEL_TRACES_EXPORTER === 'none';
  return endpoint !== undefined && !isOff;
}

/** @throws CommonspaceError BAD_CONFIG if there are replicas of no server */
function replicasOf(value: z.output<typeof environment>): readonly string[] {
  if (value.DATABASE_REPLICA_URL.length === 0 || value.DATABASE_URL !== undefined)
    return value.DATABASE_REPLICA_URL;
  const message = 'DATABASE_REPLICA_URL needs DATABASE_URL.';
  throw new CommonspaceError('BAD_CONFIG', `The configuration is invalid: ${message}`, [
    'DATABASE_REPLICA_URL',
  ]);
}

/** @throws CommonspaceError BAD_CONFIG if a bucket is named without credentials */
function bucketOf(value: z.infer<typeof environment>): MediaBucket | null {
  const [, bucket, path = ''] = BUCKET.exec(value.COMMONSPACE_MEDIA ?? '') ?? [];
  if (bucket === undefined) return null;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = value;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const message = 'COMMONSPACE_MEDIA needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
    throw new CommonspaceError('BAD_CONFIG', `The configuration is invalid: ${message}`, [
      'COMMONSPACE_MEDIA',
    ]);
  }
  return {
    bucket,
    prefix: path.slice(1),
    endpoint: value.COMMONSPACE_S3_ENDPOINT ?? null,
    region: value.COMMONSPACE_S3_REGION,
    accessKeyId,
    secretAccessKey,
    sessionToken: value.AWS_SESSION_TOKEN ?? null,
  };
}
