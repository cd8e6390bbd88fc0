import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';

describe('the configuration', () => {
  it('has defaults for all settings: loopback and the embedded database', () => {
    expect(readConfig({}, {})).toMatchObject({
      databaseUrl: null,
      dataDir: './data',
      host: '127.0.0.1',
      port: 4000,
      apiKeys: [],
    });
  });

  it('treats an empty variable as unset', () => {
    expect(readConfig({}, { COMMONSPACE_PORT: '', DATABASE_URL: '' })).toMatchObject({
      port: 4000,
      databaseUrl: null,
    });
  });

  it('gives flags precedence over the environment', () => {
    expect(
      readConfig({ port: 1, dataDir: '/a' }, { COMMONSPACE_PORT: '2', COMMONSPACE_DATA: '/b' }),
    ).toMatchObject({
      port: 1,
      dataDir: '/a',
    });
  });

  it('reports all malformed settings at once, by name', () => {
    const bad = {
      COMMONSPACE_PORT: 'x',
      DATABASE_URL: 'mysql://x',
      COMMONSPACE_API_KEYS: 'short',
      COMMONSPACE_FETCH_ALLOW: 'lan',
    };
    expect(() => readConfig({}, bad)).toThrowError(
      expect.objectContaining({
        code: 'BAD_CONFIG',
        message: expect.stringMatching(
          /DATABASE_URL.*COMMONSPACE_PORT.*COMMONSPACE_API_KEYS.*COMMONSPACE_FETCH_ALLOW/s,
        ),
      }),
    );
  });

  it('reads the replicas of a server', () => {
    const DATABASE_URL = 'postgresql://one/x';
    const DATABASE_REPLICA_URL = 'postgresql://two/x, postgres://user:hunter2@three:5433/x';
    expect(readConfig({}, { DATABASE_URL })).toMatchObject({ replicaUrls: [], replicaLagSeconds: 10 });
    expect(
      readConfig({}, { DATABASE_URL, DATABASE_REPLICA_URL, COMMONSPACE_REPLICA_LAG_SECONDS: '.5' }),
    ).toMatchObject({
      replicaUrls: ['postgresql://two/x', 'postgres://user:hunter2@three:5433/x'],
      replicaLagSeconds: 0.5,
    });
    expect(() => readConfig({}, { DATABASE_REPLICA_URL })).toThrowError(/needs DATABASE_URL/);
    for (const bad of ['mysql://user:hunter2@two/x', 'postgresql://user:hunter2@two:x/y']) {
      const read = () => readConfig({}, { DATABASE_URL, DATABASE_REPLICA_URL: bad });
      expect(read, bad).toThrowError(/DATABASE_REPLICA_URL must/);
      expect(read, bad).not.toThrowError(/hunter2/);
    }
  });

  it('reads the object storage of pictures, whose credentials come from the environment alone', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'a-secret' };
    expect(readConfig({}, keys).media).toBeNull();
    expect(readConfig({}, { ...keys, COMMONSPACE_MEDIA: 's3://pictures' }).media).toEqual({
      bucket: 'pictures',
      prefix: '',
      endpoint: null,
      region: 'us-east-1',
      accessKeyId: 'id',
      secretAccessKey: 'a-secret',
      sessionToken: null,
    });
    const elsewhere = {
      COMMONSPACE_MEDIA: 's3://my.pictures/a/b/',
      COMMONSPACE_S3_ENDPOINT: 'http://localhost:9000',
      COMMONSPACE_S3_REGION: 'garage',
      AWS_SESSION_TOKEN: 'token',
    };
    expect(readConfig({}, { ...keys, ...elsewhere }).media).toMatchObject({
      bucket: 'my.pictures',
      prefix: 'a/b',
      endpoint: 'http://localhost:9000',
      region: 'garage',
      sessionToken: 'token',
    });
    for (const place of [
      'pictures',
      's3://',
      's3://UPPER',
      's3://pictures//x',
      's3://id:a-secret@pictures',
      'file:///x',
    ]) {
      const read = () => readConfig({}, { ...keys, COMMONSPACE_MEDIA: place });
      expect(read, place).toThrowError(
        expect.objectContaining({ code: 'BAD_CONFIG', field: ['COMMONSPACE_MEDIA'] }),
      );
      expect(read, place).not.toThrowError(/a-secret/);
    }
    const lacking = { COMMONSPACE_MEDIA: 's3://pictures', AWS_ACCESS_KEY_ID: 'id' };
    expect(() => readConfig({}, lacking)).toThrowError(/AWS_SECRET_ACCESS_KEY/);
  });

  it('is documented completely in .env.example', () => {
    const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
    const source = readFileSync(new URL('../../src/config.ts', import.meta.url), 'utf8');
    const settings = [...source.matchAll(/^ {2}((?:COMMONSPACE|DATABASE)_[A-Z_]+):/gm)].map(
      (match) => match[1],
    );
    expect(settings.length).toBeGreaterThan(5);
    for (const setting of settings) expect(example).toContain(`# ${setting}=`);
  });
});

it.each([
  [{}, null],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }, 'commonspace'],
  [
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:4318/v1/traces', OTEL_SERVICE_NAME: 'shop' },
    'shop',
  ],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318', OTEL_SDK_DISABLED: 'true' }, null],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318', OTEL_TRACES_EXPORTER: 'none' }, null],
])('traces where OpenTelemetry is configured: %o', (env, tracedAs) => {
  expect(readConfig({}, env).tracedAs).toBe(tracedAs);
});
