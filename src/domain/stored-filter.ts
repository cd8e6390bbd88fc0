import { z } from 'zod';
import type { ItemFilter } from './filter.js';
import { MODALITIES } from './modality.js';

const strings = z.array(z.string()).readonly();
const moment = z.iso.datetime().transform((text) => new Date(text));

/**
 * A filter as it is stored: dates are ISO strings in JSON. Unknown conditions are refused, because a filter without one of its conditions
 * matches more items.
 */
export const storedFilter: z.ZodType<ItemFilter> = z.lazy(() =>
  z.strictObject({
    modality: z.exactOptional(z.enum(MODALITIES)),
    ids: z.exactOptional(strings),
    classNames: z.exactOptional(strings),
    createdAfter: z.exactOptional(moment),
    createdBefore: z.exactOptional(moment),
    metadata: z.exactOptional(z.record(z.string(), z.unknown())),
    pairBucket: z.exactOptional(z.strictObject({ seed: z.number(), least: z.number() })),
    and: z.exactOptional(z.array(storedFilter).readonly()),
    or: z.exactOptional(z.array(storedFilter).readonly()),
    not: z.exactOptional(storedFilter),
  }),
);
