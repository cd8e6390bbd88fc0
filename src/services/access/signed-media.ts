import { CommonspaceError } from '../../domain/errors.js';
import type { Signatures } from './signatures.js';

/** Seconds in which a signed address may expire at most: a week. */
const MOST_EXPIRES_IN = 7 * 24 * 3600;

/** What the address of a picture says. */
interface SignedAddress {
  readonly width: number | null;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly signature: string;
}

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

  /** Whether the address of a picture is signed and has not expired. */
  async isValid(sha256: string, { width, expires, signature }: SignedAddress): Promise<boolean> {
    if (!(expires > this.now() / 1000)) return false;
    return await this.signatures.isValid(signedText(sha256, width, expires), signature);
  }
}

function signedText(sha256: string, width: number | null, expires: number): string {
  return `media ${sha256} ${width ?? ''} ${expires}`;
}
