const PICTURE = /\.(jpe?g|png|webp|gif|avif|tiff?|svg)$/i;

/** Whether a file's name is that of a picture. What it is, is found in its bytes. */
export function isPictureName(name: string): boolean {
  return PICTURE.test(name);
}
