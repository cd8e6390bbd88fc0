import { ApiError } from './api-error.js';
import { type CallOptions, type RequestBody, reading, type Transport } from './transport.js';

/** A picture that is opened for each attempt to send it, for example `pictureFile(path)` of `commonspace/client/files`. */
export interface PictureSource {
  /** A new stream of all bytes. */
  open(): Promise<ReadableStream<Uint8Array>> | ReadableStream<Uint8Array>;
}

export type Picture = Blob | Uint8Array | ArrayBuffer | PictureSource;

/** A picture that the server has stored. */
export interface UploadedPicture {
  /** For `mediaId` of an item to ingest or of a query. It is the SHA-256 of the bytes. */
  readonly id: string;
  readonly sha256: string;
  readonly mediaType: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** Path of the picture on the server. */
  readonly url: string;
}

/** A file that the server has stored, for the `uploadId` of a job. */
export interface UploadedFile {
  /** The SHA-256 of the bytes. */
  readonly id: string;
  readonly bytes: number;
  readonly format: string;
}

/** Stores a file for a job by POST /uploads. @throws ApiError */
export async function uploadFile(
  transport: Transport,
  file: Picture,
  options: CallOptions = {},
): Promise<UploadedFile> {
  return (await send(transport, '/uploads', file, options)) as UploadedFile;
}

/** Stores a picture by POST /media. @throws ApiError */
export async function upload(
  transport: Transport,
  picture: Picture,
  options: CallOptions = {},
): Promise<UploadedPicture> {
  return (await send(transport, '/media', picture, options)) as UploadedPicture;
}

async function send(
  transport: Transport,
  path: string,
  content: Picture,
  { signal }: CallOptions,
): Promise<object> {
  const response = await transport.send({
    path,
    // The server recognises the format by the bytes.
    headers: { 'content-type': 'application/octet-stream' },
    body: () => ('open' in content ? content.open() : content) as RequestBody | Promise<RequestBody>,
    signal,
  });
  const answer: unknown = await reading(response.json(), signal);
  if (typeof answer !== 'object' || answer === null || !('id' in answer)) {
    throw new ApiError('BAD_ANSWER', 'The answer to an upload has no id.', { status: response.status });
  }
  return answer;
}
