import * as documents from '../__generated__/client-operations.js';
import { ApiError } from './api-error.js';
import { type TypedDocument, textOf } from './documents.js';
import { type ChangePage, followChanges } from './follow-changes.js';
import { type PageOf, pagesOf } from './pages.js';
import { type ApiEncoder, type ApiJob, encoderOf, required } from './results.js';
import { subscribe } from './subscribe.js';
import {
  apiError,
  type CallOptions,
  failureOfGraphql,
  type GraphqlError,
  reading,
  Transport,
  type TransportOptions,
} from './transport.js';
import { type Picture, type UploadedFile, type UploadedPicture, upload, uploadFile } from './uploads.js';

export type ClientOptions = TransportOptions;
type Of<Query> = NonNullable<Query[keyof Query]>;

/**
 * A client of one server.
 *
 * @example
 * const client = createClient({ url: 'http://localhost:4000' });
 * const { edges } = await client.search({ query: { text: 'a red car' }, first: 5 });
 */
export function createClient(options: ClientOptions): Client {
  return new Client(new Transport(options));
}

/** Calls of the API. Every call takes a signal, and throws `ApiError`. */
export class Client {
  constructor(private readonly transport: Transport) {}

  /** Runs an operation of the caller. An answer with any error is an error. */
  async execute<Result, Variables extends object>(
    document: TypedDocument<Result, Variables>,
    variables?: Variables,
    { signal }: CallOptions = {},
  ): Promise<Result> {
    const query = await textOf(document);
    const response = await this.transport.send({
      path: '/graphql',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
      },
      body: () => JSON.stringify({ query, variables: variables ?? {} }),
      signal,
    });
    const answer = (await reading(response.json(), signal)) as Answer | null;
    if (answer?.errors?.length) throw apiError(answer.errors.map(failureOfGraphql), response);
    if (answer?.data == null) {
      throw new ApiError('BAD_ANSWER', 'The answer has no data.', { status: response.status });
    }
    return answer.data as Result;
  }

  /**
   * The pages of a connection of the caller's operation, which must have a variable `after`.
   *
   * @param connectionOf the connection in the result of the operation
   */
  pages<Result, Variables extends object, Page extends PageOf>(
    document: TypedDocument<Result, Variables>,
    variables: Variables,
    connectionOf: (result: Result) => Page,
    options: CallOptions = {},
  ): AsyncGenerator<Page, void, undefined> {
    return pagesOf(async (after) =>
      connectionOf(
        await this.execute(document, after === null ? variables : { ...variables, after }, options),
      ),
    );
  }

  /** The results of a subscription of the caller, until the server ends it. */
  async *subscribe<Result, Variables extends object>(
    document: TypedDocument<Result, Variables>,
    variables?: Variables,
    { signal }: CallOptions = {},
  ): AsyncGenerator<Result, void, undefined> {
    const query = await textOf(document);
    for await (const data of subscribe(this.transport, query, { ...variables }, signal)) yield data as Result;
  }

  /** Stores a picture, for `mediaId` of an item to ingest or of a query. */
  upload(picture: Picture, options: CallOptions = {}): Promise<UploadedPicture> {
    return upload(this.transport, picture, options);
  }

  /** Stores a file of any size, for `uploadId` of `ingestBulk` and `importCatalogue`. */
  uploadFile(file: Picture, options: CallOptions = {}): Promise<UploadedFile> {
    return uploadFile(this.transport, file, options);
  }

  /** The catalogue as an archive, which the server writes while it is read. The key needs the scope `admin`. */
  exportCatalogue(options?: CallOptions): Promise<ReadableStream<Uint8Array>> {
    return this.download('/export', options);
  }

  /** A backup of the server's embedded database and pictures, in the same way. @throws ApiError NOT_EMBEDDED */
  backup(options?: CallOptions): Promise<ReadableStream<Uint8Array>> {
    return this.download('/backup', options);
  }

  private async download(path: string, { signal }: CallOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const response = await this.transport.send({ path, method: 'GET', signal });
    if (response.body === null)
      throw new ApiError('BAD_ANSWER', 'The answer has no body.', { status: response.status });
    return response.body;
  }

  /** The address of a path that the server names, such as `url` of an image. */
  address(path: string): string {
    return this.transport.address(path);
  }

  /** One page of search results. `explain: true` adds explanations. */
  async search(variables: documents.SearchQueryVariables, options?: CallOptions): Promise<SearchPage> {
    return (await this.execute(documents.SearchDocument, variables, options)).crossModalSearch;
  }

  /** All pages of a search. */
  searchPages(variables: documents.SearchQueryVariables, options?: CallOptions) {
    return this.pages(documents.SearchDocument, variables, (result) => result.crossModalSearch, options);
  }

  /** The classes that fit a query best. */
  async classify(variables: documents.ClassifyQueryVariables, options?: CallOptions) {
    return (await this.execute(documents.ClassifyDocument, variables, options)).classify;
  }

  /** One item by `id` or `externalId`; null if there is none. */
  async item(variables: documents.ItemQueryVariables, options?: CallOptions) {
    return (await this.execute(documents.ItemDocument, variables, options)).item;
  }

  /** One page of items. */
  async items(variables: documents.ItemsQueryVariables = {}, options?: CallOptions) {
    return (await this.execute(documents.ItemsDocument, variables, options)).items;
  }

  /** All pages of items. */
  itemPages(variables: documents.ItemsQueryVariables = {}, options?: CallOptions) {
    return this.pages(documents.ItemsDocument, variables, (result) => result.items, options);
  }

  /** One page of changes of items. Without `after` it is empty, and its `position` is the cursor of the latest change. */
  async itemChanges(
    variables: documents.ItemChangesQueryVariables = {},
    options?: CallOptions,
  ): Promise<ChangePage> {
    return (await this.execute(documents.ItemChangesDocument, variables, options)).itemChanges;
  }

  /** All pages of changes after a cursor, until the latest one. */
  itemChangePages(variables: documents.ItemChangesQueryVariables & { after: string }, options?: CallOptions) {
    return this.pages(documents.ItemChangesDocument, variables, (result) => result.itemChanges, options);
  }

  /** Pages of changes as they are made, after a cursor or from now on. The first page comes at once, and can be empty. */
  followItemChanges(
    variables: documents.ItemChangesQueryVariables = {},
    options: CallOptions = {},
  ): AsyncGenerator<ChangePage, void, undefined> {
    return followChanges(this.transport, variables, options);
  }

  /** One page of classes, with the numbers of their items. */
  async classes(variables: documents.ClassesQueryVariables = {}, options?: CallOptions) {
    return (await this.execute(documents.ClassesDocument, variables, options)).classes;
  }

  /** All pages of classes. */
  classPages(variables: documents.ClassesQueryVariables = {}, options?: CallOptions) {
    return this.pages(documents.ClassesDocument, variables, (result) => result.classes, options);
  }

  /** Stores items: at most 1000. The result has one entry for each, in their order; a failed one is not an error of the call. */
  async ingest(items: readonly documents.IngestItemInput[], options?: CallOptions) {
    return (await this.execute(documents.IngestDocument, { input: { items } }, options)).ingest;
  }

  /**
   * Changes titles, classes, pairs and metadata of items: at most 1000. The result has one entry for each, in their order; a failed
   * one is not an error of the call.
   */
  async updateItems(items: readonly documents.UpdateItemInput[], options?: CallOptions) {
    return (await this.execute(documents.UpdateItemsDocument, { items }, options)).updateItems;
  }

  /** @throws ApiError CLASS_EXISTS, BAD_INPUT */
  async createClass(variables: documents.CreateClassMutationVariables, options?: CallOptions) {
    const { createClass } = await this.execute(documents.CreateClassDocument, variables, options);
    return required(createClass.class, createClass.errors);
  }

  /** Changes the name or the description of a class. @throws ApiError UNKNOWN_CLASS, CLASS_EXISTS, CLASS_IN_USE, BAD_INPUT */
  async renameClass(variables: documents.RenameClassMutationVariables, options?: CallOptions) {
    const { renameClass } = await this.execute(documents.RenameClassDocument, variables, options);
    return required(renameClass.class, renameClass.errors);
  }

  /** Gives the items of `from` the class `into`, and deletes `from`. @throws ApiError UNKNOWN_CLASS, CLASS_IN_USE, BAD_INPUT */
  async mergeClasses(variables: documents.MergeClassesMutationVariables, options?: CallOptions) {
    const { mergeClasses } = await this.execute(documents.MergeClassesDocument, variables, options);
    return required(mergeClasses.class, mergeClasses.errors);
  }

  /** Deletes a class; its items stay. @returns its id @throws ApiError UNKNOWN_CLASS, CLASS_IN_USE, BAD_INPUT */
  async deleteClass(variables: documents.DeleteClassMutationVariables, options?: CallOptions) {
    const { deleteClass } = await this.execute(documents.DeleteClassDocument, variables, options);
    return required(deleteClass.deletedId, deleteClass.errors);
  }

  /** Deletes items: at most 1000. An unknown id is in `errors`. */
  async deleteItems(ids: readonly string[], options?: CallOptions) {
    return (await this.execute(documents.DeleteItemsDocument, { ids }, options)).deleteItems;
  }

  /** One page of the versions of the encoder, newest first. */
  async encoders(variables: documents.EncodersQueryVariables = {}, options?: CallOptions) {
    return (await this.execute(documents.EncodersDocument, variables, options)).encoders;
  }

  /** One version of the encoder; null if there is none. */
  async encoder(id: string, options?: CallOptions) {
    return (await this.execute(documents.EncoderDocument, { id }, options)).encoder;
  }

  /** Queues a training. `encoderProgress` follows it. */
  async trainEncoder(input: documents.TrainEncoderInput = {}, options?: CallOptions): Promise<ApiEncoder> {
    const result = await this.execute(documents.TrainEncoderDocument, { input }, options);
    return encoderOf(result.trainEncoder);
  }

  /** Queues the adoption of a pre-trained model. */
  async adoptEncoder(input: documents.AdoptEncoderInput, options?: CallOptions): Promise<ApiEncoder> {
    const result = await this.execute(documents.AdoptEncoderDocument, { input }, options);
    return encoderOf(result.adoptEncoder);
  }

  /** Cancels a training; it can be resumed. */
  async cancelTraining(id: string, options?: CallOptions): Promise<ApiEncoder> {
    const result = await this.execute(documents.CancelTrainingDocument, { id }, options);
    return encoderOf(result.cancelTraining);
  }

  /** Queues a failed or cancelled training again. */
  async resumeTraining(id: string, options?: CallOptions): Promise<ApiEncoder> {
    const result = await this.execute(documents.ResumeTrainingDocument, { id }, options);
    return encoderOf(result.resumeTraining);
  }

  /** @throws ApiError BELOW_ACTIVE unless `force` is set, ENCODER_STATE, ENCODER_NOT_FOUND */
  async activateEncoder(
    variables: documents.ActivateEncoderMutationVariables,
    options?: CallOptions,
  ): Promise<ApiEncoder> {
    const result = await this.execute(documents.ActivateEncoderDocument, variables, options);
    return encoderOf(result.activateEncoder);
  }

  /** Deletes an encoder that is not in use. @returns its id */
  async deleteEncoder(id: string, options?: CallOptions): Promise<string> {
    const { deleteEncoder } = await this.execute(documents.DeleteEncoderDocument, { id }, options);
    return required(deleteEncoder.deletedId, deleteEncoder.errors);
  }

  /** Begins to store an archive of a catalogue. `jobProgress` follows it. The key needs the scope `admin`. */
  async importCatalogue(input: documents.ImportCatalogueInput, options?: CallOptions): Promise<ApiJob> {
    const { importCatalogue } = await this.execute(documents.ImportCatalogueDocument, { input }, options);
    return required(importCatalogue.job, importCatalogue.errors);
  }

  /** The job, and again after each change, until it ends. */
  async *jobProgress(id: string, options?: CallOptions) {
    const results = this.subscribe(documents.JobProgressDocument, { id }, options);
    for await (const { jobProgress } of results) yield jobProgress;
  }

  /** The encoder, and again after each change, until the work on it ends. */
  async *encoderProgress(id: string, options?: CallOptions): AsyncGenerator<ApiEncoder, void, undefined> {
    const results = this.subscribe(documents.EncoderProgressDocument, { id }, options);
    for await (const { encoderProgress } of results) yield encoderProgress;
  }
}

type SearchPage = Of<documents.SearchQuery>;

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly GraphqlError[];
}
