import { CommonspaceError } from '../../domain/errors.js';
import type { Signatures } from './signatures.js';

/** Seconds in which a signed address may expire at most: a week. */
const MOST_EXPIRES_IN = 7 * 24 * 3600;

/** Addresses of pictures that can be fetched without a key until they expire, as `<img>` does. */
export class SignedMedia {
  constructor(
    private readonly signatures: Signatures,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * The query of the address of a picture, e.g. `width=64&expires=1800000000&signature=…`.
   *
   * @param expiresIn seconds
   * @throws CommonspaceError BAD_INPUT
   */
  async query(sha256: string, width: number | null, expiresIn: number): Promise<string> {
    if (!(expiresIn >= 1 && expiresIn <= MOST_EXPIRES_IN))
      throw new CommonspaceError('BAD_INPUT', `expiresIn must be 1 to ${MOST_EXPIRES_IN} seconds.`, [
        'expiresIn',
      ]);
    const expires = Math.floor(this.now() / 1000) + expiresIn;
    const signature = await this.signatures.sign(signedText(sha256, width, expires));
    const query = new URLSearchParams({
      ...(width !== null && { width: String(width) }),
      expires: String(expires),
      signature,
    });
    return query.toString();
  }

  /** Seconds until an address expires; null if its signature is wrong or it has expired. */
  async secondsLeft(
    sha256: string,
    {
      width,
      expires,
      signature,
    }: { readonly width: number | null; readonly expires: number; readonly signature: string },
  ): Promise<number | null> {
    const left = expires - this.now() / 1000;
    if (!(left > 0)) return null;
    return (await this.signatures.isValid(signedText(sha256, width, expires), signature))
      ? Math.floor(left)
      : null;
  }
}

function signedText(sha256: string, width: number | null, expires: number): string {
  return `media ${sha256} ${width ?? ''} ${expires}`;
}
