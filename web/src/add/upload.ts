import { createClient } from '../../../src/client/client.js';
import type { UploadedFile } from '../../../src/client/uploads.js';

/**
 * Uploads a file and reports the bytes that were sent.
 *
 * @throws ApiError
 */
export function uploadWithProgress(
  file: Blob,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<UploadedFile> {
  const client = createClient({ url: window.location.origin, fetch: fetchReporting(onProgress) });
  return client.uploadFile(file, { signal });
}

/** A `fetch` that reports what was sent, which the one of browsers does not. */
function fetchReporting(onProgress: (bytes: number) => void): typeof fetch {
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(init.method ?? 'GET', String(input));
      request.responseType = 'text';
      for (const [name, value] of new Headers(init.headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => onProgress(loaded);
      request.onload = () =>
        resolve(new Response(request.responseText, { status: request.status, headers: headersOf(request) }));
      request.onerror = () => reject(new TypeError('The upload was interrupted.'));
      request.onabort = () => reject(new DOMException('The upload was cancelled.', 'AbortError'));
      init.signal?.addEventListener('abort', () => request.abort(), { once: true });
      if (init.signal?.aborted) reject(new DOMException('The upload was cancelled.', 'AbortError'));
      else request.send(init.body as XMLHttpRequestBodyInit);
    });
}

function headersOf(request: XMLHttpRequest): Headers {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split('\r\n')) {
    const at = line.indexOf(': ');
    if (at > 0) headers.append(line.slice(0, at), line.slice(at + 2));
  }
  return headers;
}
