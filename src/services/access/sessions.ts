import { z } from 'zod';
import type { Caller } from '../../domain/access.js';
import type { ApiKeys } from './api-keys.js';
import type { Signatures } from './signatures.js';

/** Seconds of a session: a working day. */
export const SESSION_SECONDS = 12 * 3600;

const content = z.object({ key: z.string().nullable(), until: z.number() });

/** Sessions of browsers: a signed text names the key and the end, so nothing is stored. A revoked key ends its sessions. */
export class Sessions {
  constructor(
    private readonly signatures: Signatures,
    private readonly keys: Pick<ApiKeys, 'callerById'>,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * @param environment stands for the keys of the environment: a session of one ends when they change
   */
  async begin(caller: Caller, environment: string): Promise<string> {
    const until = this.now() + SESSION_SECONDS * 1000;
    const text = Buffer.from(JSON.stringify({ key: caller.keyId, until })).toString('base64url');
    return `${text}.${await this.signatures.sign(signedText(text, caller.keyId, environment))}`;
  }

  /** Who a session is of; `fixed` for one of a key of the environment, null if there are none now. Null if it is not valid. */
  async callerOf(session: string, fixed: Caller | null, environment: string): Promise<Caller | null> {
    const [text = '', signature = ''] = session.split('.');
    const read = content.safeParse(parseJson(Buffer.from(text, 'base64url').toString()));
    if (!read.success || read.data.until < this.now()) return null;
    const { key } = read.data;
    if (!(await this.signatures.isValid(signedText(text, key, environment), signature))) return null;
    return key === null ? fixed : await this.keys.callerById(key);
  }
}

function signedText(text: string, key: string | null, environment: string): string {
  return `session ${text} ${key === null ? environment : ''}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
