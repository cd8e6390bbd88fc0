import type { QueryField } from './field.js';

export const previewBulk: QueryField<'previewBulk'> = (
  _parent,
  { input, first },
  { services, signal, fetches },
) => services.bulkPreviews.preview(input, first, ['input'], { signal, fetches });
