import { afterAll, beforeAll, expect, it } from 'vitest';
import { isPicture } from '../../src/reports/markup.js';
import { withPreviews } from '../../src/reports/previews.js';
import { cataloguePreviews } from '../../src/services/evaluate/catalogue-previews.js';
import { spaceDescription } from '../factories/run-record.js';
import { ingestShapes, openTestApp, type TestApp } from '../support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp();
  await ingestShapes(app);
});
afterAll(() => app.close());

it('has thumbnails of images, the text of texts, and nothing for deleted items', async () => {
  const rows = await app.catalog.vectors.trainingPairs(app.features.image.id, app.features.text.id, {
    image: null,
  });
  const { details } = spaceDescription();
  const named = {
    ...details,
    best: details.best.map((example) => ({
      ...example,
      query: {
        ...example.query,
        id: rows[example.query.row]?.[example.query.modality === 'IMAGE' ? 'imageId' : 'textId'] ?? null,
      },
    })),
  };
  const asked: string[] = [];
  const previewOf = cataloguePreviews(app.catalog.items, app.store);
  const { best, worst } = await withPreviews(named, (item) => {
    asked.push(`${item.modality} ${item.row}`);
    return previewOf(item);
  });
  expect(new Set(asked).size).toBe(asked.length);
  for (const { query, results } of best) {
    if (query.modality === 'IMAGE') expect(isPicture(query.picture)).toBe(true);
    else expect(query).toMatchObject({ picture: null, text: expect.stringMatching(/\w/) });
    expect(results).toHaveLength(6);
  }
  expect(worst[0]?.results[0]).toMatchObject({ picture: null, text: null });
  const gone = { ...details.best[0]?.query, id: '019ab000-0000-7000-8000-000000000000' } as Parameters<
    typeof previewOf
  >[0];
  expect(await previewOf(gone)).toEqual({ picture: null, text: null });
});
