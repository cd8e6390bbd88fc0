import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs texts with the secret of the servers. */
export class Signatures {
  private secret: Promise<Buffer> | null = null;

  constructor(private readonly readSecret: () => Promise<Buffer>) {}

  /** base64url of HMAC-SHA256. */
  async sign(text: string): Promise<string> {
    return (await this.mac(text)).toString('base64url');
  }

  async isValid(text: string, signature: string): Promise<boolean> {
    const shown = Buffer.from(signature, 'base64url');
    const expected = await this.mac(text);
    return shown.length === expected.length && timingSafeEqual(shown, expected);
  }

  private async mac(text: string): Promise<Buffer> {
    this.secret ??= this.readSecret().catch((error: unknown) => {
      this.secret = null;
      throw error;
    });
    return createHmac('sha256', await this.secret)
      .update(text)
      .digest();
  }
}
