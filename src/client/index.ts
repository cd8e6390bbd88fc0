/** The client of the API, for Node and browsers: `commonspace/client`. docs/client.md describes it. */
/** The operations of the ready-made calls, for `execute` and `pages`. */

export type * from '../__generated__/client-operations.js';
export * as operations from '../__generated__/client-operations.js';
export { ApiError, type ApiErrorCode, type ServerFailure } from './api-error.js';
export { type Client, type ClientOptions, createClient } from './client.js';
export { gql, type TypedDocument } from './documents.js';
export type { PageOf } from './pages.js';
export type { CallOptions } from './transport.js';
export type { Picture, PictureSource, UploadedFile, UploadedPicture } from './uploads.js';
