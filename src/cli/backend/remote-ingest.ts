import pLimit from 'p-limit';
import { pictureFile } from '../../client/files.js';
import { ApiError, type Client, type IngestItemInput } from '../../client/index.js';
import type { ItemIngest, ItemOutcome } from '../../services/ingest/bulk/bulk-ingest.js';
import type { IngestInput } from '../../services/ingest/ingest-input.js';
import type { ImageSource } from '../../services/serving/image-source.js';
import { calling, ownError } from './remote-errors.js';

/** Uploads at a time: the server decodes two to four pictures at once. */
const UPLOADS = 4;
/** Items of one mutation. */
const ITEMS_PER_CALL = 100;
/** Answers to an upload that are about the picture, so that other pictures may be stored. */
const ABOUT_THE_PICTURE: ReadonlySet<number | null> = new Set([400, 413, 415, 422]);

type Content = IngestItemInput['content'];

/** Stores items through a server: their pictures are uploaded, then the items are ingested. */
export class RemoteIngest implements ItemIngest {
  private readonly uploading = pLimit(UPLOADS);

  constructor(private readonly client: Client) {}

  async ingest(
    inputs: readonly IngestInput[],
    { signal }: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly ItemOutcome[]> {
    const outcomes: ItemOutcome[] = [];
    const ready: { readonly index: number; readonly item: IngestItemInput }[] = [];
    const contents = await Promise.all(inputs.map(({ content }) => this.uploaded(content, signal)));
    contents.forEach((content, index) => {
      if ('error' in content) outcomes[index] = { status: 'FAILED', error: content.error.toFailure() };
      else ready.push({ index, item: itemOf(inputs[index] as IngestInput, content) });
    });
    for (let start = 0; start < ready.length; start += ITEMS_PER_CALL) {
      const chunk = ready.slice(start, start + ITEMS_PER_CALL);
      const { results } = await calling(
        this.client.ingest(
          chunk.map(({ item }) => item),
          { signal },
        ),
      );
      results.forEach(({ status, error }, i) => {
        const { index } = chunk[i] as (typeof chunk)[number];
        outcomes[index] =
          status === 'FAILED' ? { status, error: ownError(error ?? NO_REASON).toFailure() } : { status };
      });
    }
    return outcomes;
  }

  /** @returns what the server reads; the error of a picture that it refuses */
  private async uploaded(
    content: IngestInput['content'],
    signal: AbortSignal | undefined,
  ): Promise<Content | { readonly error: ReturnType<typeof ownError> }> {
    if ('text' in content || 'imageUrl' in content || 'mediaId' in content) return content;
    try {
      const upload = () => this.client.upload(pictureOf(content), { signal });
      return { mediaId: (await this.uploading(upload)).id };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!ABOUT_THE_PICTURE.has(error.status)) throw ownError(error);
      return { error: ownError(error) };
    }
  }
}

const NO_REASON = { code: 'BAD_ANSWER', message: 'no reason is given', field: [] } as const;

function pictureOf(source: Exclude<ImageSource, { imageUrl: string } | { mediaId: string }>) {
  if ('path' in source) return pictureFile(source.path);
  if ('part' in source) return pictureFile(source.part.path, source.part);
  return 'bytes' in source ? source.bytes : Buffer.from(source.imageBase64, 'base64');
}

function itemOf({ classes, ...input }: IngestInput, content: Content): IngestItemInput {
  return { ...input, content, ...(classes != null && { classes: [...classes] }) };
}
