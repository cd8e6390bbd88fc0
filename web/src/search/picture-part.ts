import { useCallback } from 'react';
import { client } from '../api/client.js';
import { messageOf } from '../ui/notice.js';
import { showToast } from '../ui/toasts.js';
import type { Part } from './search-state.js';

/** Uploads a picture, and makes a part of the search of it. */
export function usePicturePart(onPart: (part: Part) => void): (picture: Blob) => Promise<void> {
  return useCallback(
    async (picture) => {
      try {
        const { id } = await client.upload(picture);
        onPart({ kind: 'mediaId', value: id, weight: 1 });
      } catch (error) {
        showToast({ text: messageOf(error), tone: 'error' });
      }
    },
    [onPart],
  );
}
