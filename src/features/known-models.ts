/**
 * Facts about models for `commonspace models`: those that are built in, and public ones that have the layout that `hf:` reads.
 * Sizes are of the graphs in full precision. docs/models.md has what publications report.
 */
export interface KnownModel {
  readonly name: string;
  readonly images: boolean;
  readonly texts: boolean;
  readonly megabytes: number;
  readonly languages: string;
  readonly licence: string;
  readonly purpose: string;
}

export const BUILT_IN_MODELS: readonly (KnownModel & { readonly id: string })[] = [
  {
    name: 'default',
    id: 'mobilenet-mid+hsv-hog@1',
    images: true,
    texts: false,
    megabytes: 6,
    languages: '–',
    licence: 'MIT',
    purpose: 'pictures of all kinds; drawings and icons rather than photographs',
  },
  {
    name: 'hsv-hog',
    id: 'hsv-hog@1',
    images: true,
    texts: false,
    megabytes: 0,
    languages: '–',
    licence: 'Apache-2.0',
    purpose: 'colours and outlines, without a network; fast',
  },
  {
    name: 'default',
    id: 'use-lite+ngrams@1',
    images: false,
    texts: true,
    megabytes: 28,
    languages: 'English; spelling in any language',
    licence: 'Apache-2.0',
    purpose: 'captions and titles, names and codes',
  },
];

export const KNOWN_MODELS: readonly KnownModel[] = [
  {
    name: 'hf:Xenova/clip-vit-base-patch32',
    images: true,
    texts: true,
    megabytes: 606,
    languages: 'English',
    licence: 'MIT',
    purpose: 'photographs; searches before any training',
  },
  {
    name: 'hf:Xenova/siglip-base-patch16-224',
    images: true,
    texts: true,
    megabytes: 813,
    languages: 'English',
    licence: 'Apache-2.0',
    purpose: 'photographs; above CLIP in publications, with four times as many patches of a picture',
  },
  {
    name: 'hf:onnx-community/siglip2-base-patch16-224-ONNX',
    images: true,
    texts: true,
    megabytes: 1500,
    languages: 'about 100',
    licence: 'Apache-2.0',
    purpose: 'photographs with texts in many languages',
  },
  {
    name: 'hf:Xenova/dinov2-small',
    images: true,
    texts: false,
    megabytes: 88,
    languages: '–',
    licence: 'Apache-2.0',
    purpose: 'what pictures show, where there are training pairs; similar pictures',
  },
  {
    name: 'hf:Xenova/all-MiniLM-L6-v2',
    images: false,
    texts: true,
    megabytes: 90,
    languages: 'English',
    licence: 'Apache-2.0',
    purpose: 'English sentences',
  },
  {
    name: 'hf:Xenova/paraphrase-multilingual-MiniLM-L12-v2',
    images: false,
    texts: true,
    megabytes: 470,
    languages: 'about 50',
    licence: 'Apache-2.0',
    purpose: 'sentences in many languages',
  },
];
