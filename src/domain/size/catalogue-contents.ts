/** What a catalogue consists of, as far as its size on disk depends on it. Bytes and counts are means. */
export interface CatalogueContents {
  readonly pictures: number;
  readonly texts: number;
  readonly pairs: number;
  /** Items that have a pair. */
  readonly itemsInPairs: number;
  readonly classes: number;
  readonly classesOfItem: number;
  readonly imageDimension: number;
  readonly textDimension: number;
  readonly embeddingDimension: number;
  /** Versions of the encoder whose embeddings are stored. */
  readonly encoders: number;
  /** Vectors of a partition from which it has an index. */
  readonly indexedFrom: number;
  readonly weightsBytes: number;
  readonly idBytes: number;
  readonly pairKeyBytes: number;
  readonly titleBytes: number;
  /** Distinct ones. */
  readonly titles: number;
  readonly textBytes: number;
  /** Of an item's metadata as jsonb. */
  readonly metadataBytes: number;
  /** Values in an item's metadata that many items share, and those that it shares with no item or few. */
  readonly metadataShared: number;
  readonly metadataOwn: number;
  /** Distinct values that many items share. */
  readonly metadataValues: number;
  /** Distinct words and stems of a picture and of a text, of their titles too, and the bytes of each in a `tsvector`. */
  readonly pictureWords: number;
  readonly textWords: number;
  readonly wordBytes: number;
  /** Distinct words of the catalogue. */
  readonly vocabulary: number;
  /** Bytes of the names of the extractors. */
  readonly imageExtractorBytes: number;
  readonly textExtractorBytes: number;
  readonly onPaper?: OnPaper;
}

/** What the catalogue does not do today; its sizes follow from the same formulas. */
interface OnPaper {
  /** Features are stored as `halfvec`. */
  readonly halfvecFeatures?: boolean;
  /** Indexes of features hold a bit of each number, and hits are ranked again by the features. */
  readonly binaryIndexes?: boolean;
  /** False: features of pictures are dropped once they are embedded. */
  readonly imageFeatures?: boolean;
}

/** What a catalogue is to have; the rest follows from DEFAULT_MEANS. */
export interface CatalogueShape {
  /** Pictures and texts. */
  readonly items: number;
  /** Texts of a picture; below 1, the share of the pictures that have one. */
  readonly captions: number;
  readonly encoders: number;
  readonly imageDimension: number;
  readonly textDimension: number;
  readonly embeddingDimension: number;
  readonly textBytes: number;
  readonly onPaper?: OnPaper;
}

/** The built-in extractors and the default preset of the encoder; a test compares them. */
export const DEFAULT_SHAPE: Omit<CatalogueShape, 'items'> = {
  captions: 1,
  encoders: 1,
  imageDimension: 2032,
  textDimension: 1024,
  embeddingDimension: 64,
  textBytes: 58,
};

/** Means of the demo's catalogue: 3,272 pictures and 1,636 captions, by `pg_column_size`. */
const DEMO = {
  classes: 95,
  classesOfItem: 1,
  indexedFrom: 20_000,
  weightsBytes: 6.4e6,
  idBytes: 15,
  pairKeyBytes: 13,
  titleBytes: 13,
  textBytes: 58,
  metadataBytes: 136,
  metadataOwn: 2 / 3,
  metadataShared: 5,
  metadataValues: 3_284,
  pictureWords: 4.1,
  textWords: 12.1,
  wordBytes: 13.8,
  vocabulary: 6_796,
  imageExtractorBytes: 23,
  textExtractorBytes: 17,
};

/** Contents of a catalogue of a given shape, with the means of the demo's. A text's words grow with its bytes. */
export function contentsOfShape(shape: CatalogueShape): CatalogueContents {
  const pictures = Math.round(shape.items / (1 + shape.captions));
  const texts = Math.round(shape.items) - pictures;
  const pairs = shape.captions < 1 ? texts : pictures;
  const { textBytes, ...means } = DEMO;
  const ofTitle = means.pictureWords;
  return {
    ...means,
    ...shape,
    pictures,
    texts,
    pairs,
    itemsInPairs: texts + pairs,
    titles: pictures,
    textWords: ofTitle + (means.textWords - ofTitle) * (shape.textBytes / textBytes),
  };
}
