/** Object storage that pictures are in. */
export interface MediaBucket {
  readonly bucket: string;
  /** Begins every key; empty, or without a slash at its ends. */
  readonly prefix: string;
  /** Address of an S3-compatible server, whose buckets are paths; null for Amazon S3. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}
