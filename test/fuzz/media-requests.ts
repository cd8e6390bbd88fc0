import type { Draw } from './draw.js';
import { EDGE_PICTURES } from './edge-values.js';
import { CONTENT_TYPES, type FuzzRequest } from './fuzz-request.js';
import type { Pool } from './pool.js';

/** An upload: a picture, a damaged one, or a malformed form. */
export function mediaUpload(draw: Draw, pool: Pool): FuzzRequest {
  const valid = draw.pick(pool.pictures);
  const picture = draw.pick([
    () => valid,
    () => draw.pick(EDGE_PICTURES),
    () => valid.subarray(0, draw.int(valid.length)),
    () => {
      const copy = Buffer.from(valid);
      for (let i = 0; i < 5; i += 1) copy[8 + draw.int(copy.length - 8)] = draw.int(256);
      return copy;
    },
    () => draw.bytes(200),
  ])();
  const request = (type: string, body: Buffer): FuzzRequest => ({
    kind: 'upload',
    method: 'POST',
    path: '/media',
    headers: { 'content-type': type },
    body,
  });
  if (draw.chance(0.5)) {
    return request(
      draw.pick(['image/png', 'image/x', 'application/octet-stream', 'text/plain', 'application/json']),
      picture,
    );
  }
  const part = (head: string, content: Buffer) =>
    Buffer.concat([Buffer.from(`--x\r\n${head}\r\n\r\n`), content, Buffer.from('\r\n')]);
  const file = part(
    `Content-Disposition: form-data; name="file"; filename="${draw.pick(['a.png', '../../a', '', '\u0000', 'x'.repeat(5_000)])}"`,
    picture,
  );
  const field = part('Content-Disposition: form-data; name="a"', Buffer.from('1'));
  const end = Buffer.from('--x--\r\n');
  const body = draw.pick([
    () => Buffer.concat([file, end]),
    () => Buffer.concat([file, file, end]),
    () => Buffer.concat([field, end]),
    () => Buffer.concat([...draw.list(20, () => field), file, end]),
    () => Buffer.concat([part('Content-Disposition: nonsense', picture), end]),
    () => Buffer.concat([part('X: y', picture), end]),
    () => file,
    () => end,
    () => Buffer.alloc(0),
    () => Buffer.concat([file, end]).subarray(0, draw.int(file.length)),
  ])();
  const type = draw.chance(0.8) ? 'multipart/form-data; boundary=x' : draw.pick(CONTENT_TYPES);
  return request(type, body);
}

/** A request for a picture that exists, or for a path that does not. */
export function mediaDownload(draw: Draw, pool: Pool): FuzzRequest {
  const id = draw.pick([
    draw.pick(pool.media),
    draw.pick(pool.media),
    draw.pick(pool.media).toUpperCase(),
    'f'.repeat(64),
    'a',
    '..%2f..%2f..%2fetc%2fpasswd',
    '..%5c..%5cetc',
    '%00',
    '%ff%fe',
    '%',
    '%zz',
    'x'.repeat(5_000),
    '.',
    '..',
    '',
  ]);
  const width = draw.pick([
    '',
    '',
    '?width=1',
    '?width=64',
    '?width=99999',
    '?width=100000',
    '?width=0',
    '?width=-1',
    '?width=1e3',
    '?width=',
    '?width=1&width=2',
    '?width[]=1',
    '?expires=1&signature=a',
    '?signature=a&signature=b',
    '?expires=1e400&signature=%00',
  ]);
  const headers = draw.pick([
    {},
    { range: 'bytes=0-10' },
    { range: 'bytes=9-1,a' },
    { 'if-none-match': '*' },
    { 'if-none-match': 'W/"a' },
  ]);
  return {
    kind: 'download',
    method: draw.pick(['GET', 'GET', 'HEAD', 'DELETE']),
    path: `/media/${id}${width}`,
    headers,
    body: null,
  };
}
