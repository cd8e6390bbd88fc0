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

/** Stores a picture by POST /media. @throws ApiError */
export async function upload(
  transport: Transport,
  picture: Picture,
  { signal }: CallOptions = {},
): Promise<UploadedPicture> {
  const response = await transport.send({
    path: '/media',
    // The server recognises the format by the bytes.
    headers: { 'content-type': 'application/octet-stream' },
    body: () => ('open' in picture ? picture.open() : picture) as RequestBody | Promise<RequestBody>,
    signal,
  });
  const answer: unknown = await reading(response.json(), signal);
  if (typeof answer !== 'object' || answer === null || !('id' in answer)) {
    throw new ApiError('BAD_ANSWER', 'The answer to an upload has no id.', { status: response.status });
  }
  return answer as UploadedPicture;
}
