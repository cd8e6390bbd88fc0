import { describe, expect, it } from 'vitest';
import { Transport } from '../../src/client/transport.js';

const HEADER = 'x-commonspace-position';
const [EARLY, LATE, LATEST] = ['0000000000000010', '00000000000000a0', '0000000000000a00'] as const;

describe('the client of a server with replicas', () => {
  /** Requests are answered in any order: by `answer(i)`. */
  function open() {
    const sent: (string | null)[] = [];
    const answers: ((position: string | null) => void)[] = [];
    const transport = new Transport({
      url: 'http://server.example',
      fetch: (_url, init) => {
        sent.push(new Headers(init?.headers).get(HEADER));
        return new Promise((resolve) => {
          answers.push((position) =>
            resolve(new Response('{}', { headers: position === null ? {} : { [HEADER]: position } })),
          );
        });
      },
    });
    const send = () => transport.send({ path: '/graphql' });
    /** Sends a request that is answered at once. */
    const ask = async (position: string | null) => {
      const answer = send();
      await Promise.resolve();
      answers.at(-1)?.(position);
      await answer;
      return sent.at(-1);
    };
    return { transport, sent, answers, send, ask };
  }

  it('sends the latest position of the answers before', async () => {
    const { ask } = open();
    expect(await ask(null)).toBeNull();
    expect(await ask(EARLY)).toBeNull();
    expect(await ask(null)).toBe(EARLY);
    expect(await ask(LATE)).toBe(EARLY);
    expect(await ask(null)).toBe(LATE);
  });

  it('keeps the later one of answers that come in another order', async () => {
    const { ask, send, answers } = open();
    await ask(EARLY);
    const [one, other] = [send(), send()];
    await Promise.resolve();
    answers.at(-1)?.(LATEST);
    await other;
    answers.at(-2)?.(LATE);
    await one;
    expect(await ask(null)).toBe(LATEST);
  });

  it('takes the position of a database that has replaced the one before', async () => {
    const { ask } = open();
    await ask(LATEST);
    expect(await ask(EARLY)).toBe(LATEST);
    expect(await ask(null)).toBe(EARLY);
  });

  it('takes the positions of events', async () => {
    const { ask, transport } = open();
    transport.seen(LATE);
    transport.seen(EARLY);
    transport.seen(null);
    expect(await ask(null)).toBe(LATE);
  });
});
