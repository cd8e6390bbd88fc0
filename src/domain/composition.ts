/** What an embedding consists of. */
import { z } from 'zod';

/**
 * The parts of an embedding: the codes of the networks, the canonical variates of the CCA branch, the networks' posteriors over
 * the classes of the training set, the semantic branch, which maps to the class embeddings, and a space that the features of both modalities share.
 */
export const PART_KINDS = ['codes', 'cca', 'posteriors', 'semantic', 'aligned'] as const;

const partShare = z.object({
  kind: z.enum(PART_KINDS),
  /** Weight of the part in the cosine of two embeddings, 0 to 1. */
  share: z.number(),
});

/** The parts of share above 0, in the order of PART_KINDS; the shares sum to 1. */
export const composition = z.array(partShare).readonly();

export type PartKind = (typeof PART_KINDS)[number];
export type PartShare = Readonly<z.output<typeof partShare>>;
export type Composition = Readonly<z.output<typeof composition>>;

const NAMES: Readonly<Record<PartKind, string>> = {
  codes: 'network codes',
  cca: 'CCA',
  posteriors: 'class posteriors',
  semantic: 'map to class embeddings',
  aligned: 'shared space of the model',
};

/**
 * The composition in words, e.g. `40 % network codes, 40 % CCA, 20 % class posteriors`. Of several encoders the shares are
 * ranges, e.g. `20 to 50 % network codes, 50 to 80 % CCA`. Empty where nothing is known.
 */
export function describeComposition(encoders: readonly Composition[]): string {
  return PART_KINDS.flatMap((kind) => {
    const shares = encoders.map((parts) => parts.find((part) => part.kind === kind)?.share ?? 0);
    const [low, high] = [percent(Math.min(...shares)), percent(Math.max(...shares))];
    if (shares.length === 0 || Math.max(...shares) === 0) return [];
    return [`${low === high ? low : `${low} to ${high}`} % ${NAMES[kind]}`];
  }).join(', ');
}

function percent(share: number): string {
  const rounded = Math.round(share * 1000) / 10;
  return String(rounded);
}
