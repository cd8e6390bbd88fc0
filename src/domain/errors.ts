/**
 * All error codes. The codes are part of the public contract: new ones may be added, none may be renamed.
 * `status` is the HTTP status of a request that fails with the error, `exit` the exit code of the command line.
 * A test compares docs/errors.md with this table.
 */
export const ERRORS = {
  BAD_INPUT: { status: 400, exit: 2, what: 'An argument is missing, contradictory or out of range.' },
  EMPTY_TEXT: { status: 400, exit: 2, what: 'A text has no characters besides white space.' },
  TEXT_TOO_LONG: { status: 413, exit: 2, what: 'A text is longer than the limit.' },
  BAD_BASE64: { status: 400, exit: 2, what: 'A string is not base64.' },
  EMPTY_IMAGE: { status: 400, exit: 2, what: 'An image has no bytes.' },
  UNREADABLE_IMAGE: {
    status: 422,
    exit: 2,
    what: 'The bytes are of a known image type but cannot be decoded.',
  },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, exit: 2, what: 'The bytes are not an image of a supported type.' },
  IMAGE_TOO_LARGE: { status: 413, exit: 2, what: 'An image has more bytes than the limit.' },
  TOO_MANY_PIXELS: { status: 413, exit: 2, what: 'An image has more pixels than the limit.' },
  ADDRESS_NOT_ALLOWED: {
    status: 403,
    exit: 2,
    what: 'An address is not http(s), or is in a network that is not allowed.',
  },
  FETCH_FAILED: { status: 502, exit: 2, what: 'An address could not be fetched.' },
  FETCH_TIMEOUT: { status: 504, exit: 2, what: 'An address did not answer in time.' },
  FETCH_BUDGET_EXCEEDED: {
    status: 413,
    exit: 2,
    what: 'The files at the addresses of one request have more bytes than the limit.',
  },
  PAIR_TOO_LARGE: { status: 413, exit: 2, what: 'A pair has more items than the limit.' },
  UPLOAD_NOT_FOUND: { status: 404, exit: 2, what: 'No uploaded file has this id.' },
  FILE_TOO_LARGE: { status: 413, exit: 2, what: 'A file to ingest has more bytes than the limit.' },
  MEDIA_NOT_FOUND: { status: 404, exit: 2, what: 'No uploaded media has this id.' },
  ITEM_NOT_FOUND: { status: 404, exit: 2, what: 'No item has this id.' },
  ITEM_EXISTS: {
    status: 409,
    exit: 2,
    what: 'Another item without external id has the same content in this pair.',
  },
  UNKNOWN_CLASS: { status: 400, exit: 2, what: 'No class has this name.' },
  CLASS_EXISTS: { status: 409, exit: 2, what: 'A class of this name exists already.' },
  CLASS_IN_USE: {
    status: 409,
    exit: 3,
    what: 'A training that is queued or running names the class, so it cannot be changed now.',
  },
  WRONG_DIMENSION: {
    status: 400,
    exit: 2,
    what: "A vector does not have the dimension of the active encoder's space.",
  },
  BAD_CURSOR: { status: 400, exit: 2, what: 'A cursor is malformed or belongs to another query.' },
  CURSOR_EXPIRED: {
    status: 410,
    exit: 2,
    what: 'The changes after a cursor are no longer kept. Read all items, then follow the changes from now on.',
  },
  TOO_MANY_ITEMS: { status: 413, exit: 2, what: 'A batch has more items than the limit.' },
  NO_ENCODER: { status: 409, exit: 3, what: 'The answer needs a trained encoder and none is active.' },
  NO_MAP: { status: 409, exit: 3, what: 'The answer needs the map of an encoder, and none is complete.' },
  NOT_CALIBRATED: {
    status: 409,
    exit: 3,
    what: 'A calibrated cut-off was requested, and the active encoder has none.',
  },
  NO_PAIRS: {
    status: 409,
    exit: 3,
    what: 'Training needs pairs of an image and a text, and there are too few.',
  },
  ENCODER_NOT_FOUND: { status: 404, exit: 2, what: 'No encoder has this id.' },
  ENCODER_STATE: { status: 409, exit: 3, what: "The encoder's state does not allow this." },
  JOB_NOT_FOUND: { status: 404, exit: 2, what: 'No job has this id.' },
  JOB_STATE: { status: 409, exit: 3, what: "The job's state does not allow this." },
  BAD_ENCODER_RECORD: {
    status: 500,
    exit: 4,
    what: "The database's record of an encoder is malformed.",
  },
  BELOW_ACTIVE: {
    status: 409,
    exit: 3,
    what: 'The encoder retrieves worse than the active one or than its pre-trained model, and activating it was not forced.',
  },
  INTERRUPTED: {
    status: 500,
    exit: 1,
    what: 'The process that trained the encoder ended before the training was finished. The run can be resumed.',
  },
  EXTRACTOR_FAILED: { status: 500, exit: 1, what: 'A feature extractor could not be loaded or run.' },
  EXTRACTOR_MISSING: {
    status: 409,
    exit: 3,
    what: 'An extractor that an encoder was trained with cannot be opened, or has changed.',
  },
  PACKAGE_MISSING: {
    status: 500,
    exit: 2,
    what: 'A model or a setting needs an optional package that is not installed.',
  },
  MODEL_UNAVAILABLE: { status: 502, exit: 1, what: 'A model cannot be downloaded from its hub.' },
  BAD_MODEL: { status: 400, exit: 2, what: 'A model folder or its description is missing or malformed.' },
  BAD_FOLDER: {
    status: 400,
    exit: 2,
    what: 'A folder to ingest has no pictures and no metadata.jsonl, or cannot be read.',
  },
  BAD_ROW: {
    status: 400,
    exit: 2,
    what: 'A row to ingest is not an object with the required columns.',
  },
  BAD_BUNDLE: {
    status: 400,
    exit: 2,
    what: 'A folder of features to evaluate lacks a file, or contains a malformed one.',
  },
  BAD_SOURCE: {
    status: 422,
    exit: 2,
    what: 'A file to ingest is not JSON Lines, CSV, tar or Parquet, or cannot be read to its end.',
  },
  FILE_MISSING: { status: 400, exit: 2, what: 'A file that was named does not exist.' },
  NO_CLASS_COLUMN: { status: 400, exit: 2, what: 'No row has the requested class column.' },
  BAD_ROWS: {
    status: 500,
    exit: 1,
    what: 'A file of training rows or pairs is incomplete or was changed.',
  },
  DISK_FULL: {
    status: 507,
    exit: 4,
    what: 'The disk has no room for the files of a training or an evaluation.',
  },
  BAD_ARCHIVE: {
    status: 400,
    exit: 2,
    what: 'A file is not an archive of this program, is incomplete, or was changed.',
  },
  ARCHIVE_TOO_NEW: {
    status: 400,
    exit: 2,
    what: 'An archive was written by a newer version of this program.',
  },
  CATALOGUE_NOT_EMPTY: {
    status: 409,
    exit: 3,
    what: 'The catalogue has data that is not of the archive to be imported.',
  },
  NOT_EMBEDDED: {
    status: 409,
    exit: 3,
    what: 'A backup is of the embedded database, and the catalogue is on a Postgres server.',
  },
  NOT_IN_API: {
    status: 400,
    exit: 4,
    what: 'The API has no operation for what a command does, which works on the database itself.',
  },
  SERVER_UNREACHABLE: {
    status: 502,
    exit: 4,
    what: 'The server that a command works through does not answer, or is not a Commonspace server of this version.',
  },
  DATA_FOLDER_LOCKED: { status: 409, exit: 4, what: 'Another process uses the data folder.' },
  DATA_FOLDER_NOT_WRITABLE: { status: 500, exit: 4, what: 'The data folder cannot be written to.' },
  DATABASE_UNREACHABLE: {
    status: 503,
    exit: 4,
    what: 'The database does not answer, or a connection to it was lost.',
  },
  DATABASE_TIMEOUT: {
    status: 503,
    exit: 5,
    what: 'A statement of a request took longer than the time limit.',
  },
  MEDIA_UNREACHABLE: {
    status: 503,
    exit: 4,
    what: 'The object storage of pictures does not answer, or refuses the server.',
  },
  PGVECTOR_MISSING: {
    status: 500,
    exit: 4,
    what: 'The database server has no pgvector extension, or its version is too old.',
  },
  PG_TRGM_MISSING: {
    status: 500,
    exit: 4,
    what: 'The database server has no pg_trgm extension, or this user cannot create it.',
  },
  CITUS_LAYOUT: { status: 500, exit: 4, what: 'Another version has distributed the database otherwise.' },
  CITUS_MISSING: { status: 500, exit: 4, what: 'There is no Citus extension, or it knows no worker.' },
  MIGRATION_FAILED: { status: 500, exit: 4, what: 'A migration failed or was changed after it was applied.' },
  PORT_IN_USE: { status: 500, exit: 4, what: 'The port to listen on is taken.' },
  BAD_CONFIG: { status: 500, exit: 2, what: 'A setting is malformed.' },
  UNAUTHENTICATED: { status: 401, exit: 2, what: 'A valid API key is needed.' },
  CROSS_SITE_REQUEST: { status: 403, exit: 2, what: 'A page of another site sent the request.' },
  FORBIDDEN: { status: 403, exit: 2, what: 'The API key does not have the scope that this needs.' },
  UNTRUSTED_DOCUMENT: {
    status: 403,
    exit: 2,
    what: 'The server runs known documents only, and this is none of them.',
  },
  KEY_NOT_FOUND: { status: 404, exit: 2, what: 'No API key has this id or name.' },
  QUERY_TOO_DEEP: { status: 400, exit: 2, what: 'A GraphQL operation nests deeper than the limit.' },
  QUERY_TOO_COSTLY: { status: 400, exit: 2, what: 'A GraphQL operation asks for more than the limit.' },
  RATE_LIMITED: {
    status: 429,
    exit: 5,
    what: 'The API key has used what it may use in a minute. Try again later.',
  },
  BUSY: {
    status: 503,
    exit: 5,
    what: 'The server has reached its limit of concurrent work. Try again later.',
  },
  CANCELLED: { status: 499, exit: 130, what: 'The caller cancelled the request or disconnected.' },
  INTERNAL: { status: 500, exit: 1, what: 'An unexpected error occurred. The log has the details.' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

/** Errors that pass: seconds after which a caller may repeat the request, where the error does not have them itself. */
export const RETRY_AFTER_SECONDS: Readonly<Partial<Record<ErrorCode, number>>> = {
  BUSY: 1,
  RATE_LIMITED: 10,
  DATABASE_UNREACHABLE: 5,
  DATABASE_TIMEOUT: 5,
  MEDIA_UNREACHABLE: 5,
};

/** Path of the argument at fault, e.g. `['input', 'items', '3', 'content', 'imageBase64']`. */
export type FieldPath = readonly string[];

/** An expected failure as a value; `UserError` in the schema has the same fields. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: FieldPath;
}

/** An expected failure that ends the call. Any other error is unexpected, and its details are not sent to the caller. */
export class CommonspaceError extends Error {
  override readonly name = 'CommonspaceError';
  /** Seconds after which the request may be repeated; null if it would fail again. */
  readonly retryAfter: number | null;
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly field: FieldPath = [],
    options: ErrorOptions & { readonly retryAfter?: number | null } = {},
  ) {
    super(message, options);
    this.retryAfter = options.retryAfter ?? RETRY_AFTER_SECONDS[code] ?? null;
  }

  toFailure(): Failure {
    return { code: this.code, message: this.message, field: this.field };
  }

  /** The same failure with the path of this field. */
  at(field: FieldPath): CommonspaceError {
    return new CommonspaceError(this.code, this.message, field, {
      cause: this.cause,
      retryAfter: this.retryAfter,
    });
  }
}

/** Whether the same call can succeed later. */
export function passes({ code }: CommonspaceError): boolean {
  return RETRY_AFTER_SECONDS[code] !== undefined;
}

/** Logs an unexpected error with all details. The caller receives only the code INTERNAL. */
export type ReportUnexpected = (error: unknown) => void;

/** @throws CommonspaceError CANCELLED if the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new CommonspaceError('CANCELLED', 'The call was cancelled.', [], { cause: signal.reason });
  }
}

/** For the `default` branch of an exhaustive switch. */
export class UnreachableCaseError extends Error {
  constructor(value: never) {
    super(`unreachable case: ${JSON.stringify(value)}`);
  }
}
