import { join } from 'node:path';
import { z } from 'zod';
import { badModel, readJsonFile } from '../model-files.js';
import type { ImageExtractorInfo, Pixels } from '../types.js';

const FILE = 'preprocessor_config.json';

const side = z.int().min(8).max(1024);
const pair = z.object({ height: side, width: side });
const three = z.tuple([z.number(), z.number(), z.number()]);
const schema = z.looseObject({
  do_resize: z.boolean().default(true),
  size: z.union([side, pair, z.looseObject({ shortest_edge: side })]),
  /** Numbers of Pillow: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic. */
  resample: z.int().min(0).max(3).default(3),
  do_center_crop: z.boolean().default(false),
  crop_size: z.union([side, pair]).optional(),
  crop_pct: z.number().gt(0).max(1).nullish(),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: three.optional(),
  image_std: three.refine((std) => !std.includes(0), 'must not be 0').optional(),
  do_flip_channel_order: z.boolean().default(false),
  do_pad: z.boolean().default(false),
});

const KERNELS = ['nearest', 'lanczos3', 'linear', 'cubic'] as const;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** How pixels become a model's input. */
export interface Preprocessing {
  /** The size that pictures are decoded to. */
  readonly input: ImageExtractorInfo['input'];
  /** The part in the middle that the model gets. */
  readonly crop: Size;
  /** value · scale + shift, for each channel of the model. */
  readonly scale: readonly number[];
  readonly shift: readonly number[];
  /** Whether the model wants blue, green, red. */
  readonly bgr: boolean;
}

/** @throws CommonspaceError BAD_MODEL that names the field of preprocessor_config.json */
export function readPreprocessing(folder: string): Preprocessing {
  const file = join(folder, FILE);
  const parsed = schema.safeParse(readJsonFile(file));
  const fault = (field: string, what: string) => badModel(file, `${field} ${what}`, undefined, [FILE, field]);
  if (!parsed.success) {
    const { path = [], message = '' } = parsed.error.issues[0] ?? {};
    throw fault(String(path[0] ?? 'the object'), message);
  }
  const values = parsed.data;
  if (!values.do_resize) throw fault('do_resize', 'must be true: models get pictures of one size');
  if (values.do_pad) throw fault('do_pad', 'is not supported');
  const { image_mean: mean = [0, 0, 0], image_std: std = [1, 1, 1] } = values;
  if (values.do_normalize && values.image_mean === undefined) throw fault('image_mean', 'is missing');
  if (values.do_normalize && values.image_std === undefined) throw fault('image_std', 'is missing');
  const factor = values.do_rescale ? values.rescale_factor : 1;
  const divisor = values.do_normalize ? std : [1, 1, 1];
  const { resized, crop, fit } = sizesOf(values, fault);
  return {
    input: { ...resized, fit, kernel: KERNELS[values.resample] ?? 'cubic' },
    crop,
    scale: divisor.map((one) => factor / one),
    shift: divisor.map((one, k) => (values.do_normalize ? -(mean[k] as number) / one : 0)),
    bgr: values.do_flip_channel_order,
  };
}

function sizesOf(
  values: z.infer<typeof schema>,
  fault: (field: string, what: string) => Error,
): { readonly resized: Size; readonly crop: Size; readonly fit: 'fill' | 'cover' } {
  const { size, crop_size: cropSize, crop_pct: share } = values;
  if (typeof size === 'object' && 'height' in size && 'width' in size) {
    const resized = { width: Number(size.width), height: Number(size.height) };
    return { resized, crop: values.do_center_crop ? squareOf(cropSize, resized) : resized, fit: 'fill' };
  }
  const edge = typeof size === 'number' ? size : Number(size.shortest_edge);
  const square = { width: edge, height: edge };
  if (share != null) {
    // As ConvNeXT's processor: small sizes are a crop of a larger picture, others are stretched.
    const larger = edge < 384 ? Math.floor(edge / share) : edge;
    return {
      resized: { width: larger, height: larger },
      crop: square,
      fit: edge < 384 ? 'cover' : 'fill',
    };
  }
  if (!values.do_center_crop) {
    if (typeof size === 'number') return { resized: square, crop: square, fit: 'fill' };
    throw fault(
      'do_center_crop',
      'must be true where size is shortest_edge: models get pictures of one size',
    );
  }
  const crop = squareOf(cropSize, square);
  if (crop.width > edge || crop.height > edge) throw fault('crop_size', 'is larger than size');
  // The middle of the whole picture is the middle of its largest square.
  return { resized: square, crop, fit: 'cover' };
}

function squareOf(size: number | Size | undefined, otherwise: Size): Size {
  if (size === undefined) return otherwise;
  return typeof size === 'number' ? { width: size, height: size } : size;
}

/** The model's input for pictures of the size `input`: [n, 3, height, width], channel after channel. */
export function pixelValues(
  images: readonly Pixels[],
  { crop: { width, height }, scale, shift, bgr }: Preprocessing,
): Float32Array {
  const area = width * height;
  const out = new Float32Array(images.length * 3 * area);
  images.forEach((image, n) => {
    // Rounded down as by image processors of the reference implementation.
    const left = Math.floor((image.width - width) / 2);
    const top = Math.floor((image.height - height) / 2);
    for (let c = 0; c < 3; c += 1) {
      const [a = 1, b = 0] = [scale[c], shift[c]];
      let to = (n * 3 + c) * area;
      for (let y = 0; y < height; y += 1) {
        let from = ((top + y) * image.width + left) * 3 + (bgr ? 2 - c : c);
        for (let x = 0; x < width; x += 1, from += 3) {
          out[to++] = (image.data[from] as number) * a + b;
        }
      }
    }
  });
  return out;
}
