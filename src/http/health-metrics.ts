import { Gauge, type Registry } from 'prom-client';
import type { EncoderHealth } from '../services/drift/encoder-health.js';

/** The health of the active encoder. Values that are not known are absent. */
export function encoderHealthMetrics(registry: Registry): { set(health: EncoderHealth | null): void } {
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name: `commonspace_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const direction = ['query', 'target'] as const;
  const gap = gauge(
    'encoder_modality_gap',
    'Distance of the mean image embedding from the mean text embedding, 0 to 2.',
  );
  const accuracy = gauge(
    'encoder_discriminator_accuracy',
    'Share of embeddings whose modality a linear rule finds; .5 is chance.',
  );
  const newItems = gauge(
    'encoder_new_items_ratio',
    'Share of the items that were stored after the training.',
  );
  const samples = gauge('query_samples', 'Sampled queries.', direction);
  const similarity = gauge('query_similarity', 'Mean similarity of the best hit by CONTENT.', [
    ...direction,
    'of',
  ]);
  const stability = gauge(
    'query_stability_index',
    'Population stability index of the similarities of the best hit, against the training set.',
    direction,
  );
  const energy = gauge(
    'query_energy_distance',
    'Energy distance of the embeddings of queries from those of the training set, 0 to 1.',
    direction,
  );
  const below = gauge(
    'query_below_threshold_ratio',
    'Share of queries whose best hit is below the calibrated threshold.',
    [...direction, 'of'],
  );
  const advised = gauge('encoder_advice', '1 for the advice that holds.', ['advice']);
  const all = [gap, accuracy, newItems, samples, similarity, stability, energy, below, advised];
  return {
    set(health) {
      for (const one of all) one.reset();
      if (health === null) return;
      if (health.modalityGap !== null) gap.set(health.modalityGap);
      if (health.discriminatorAccuracy !== null) accuracy.set(health.discriminatorAccuracy);
      if (health.newItems !== null) newItems.set(health.newItems);
      advised.set({ advice: health.advice }, 1);
      for (const drift of health.queries) {
        const { query, target } = drift;
        samples.set({ query, target }, drift.samples);
        similarity.set({ query, target, of: 'queries' }, drift.similarity);
        similarity.set({ query, target, of: 'training' }, drift.referenceSimilarity);
        stability.set({ query, target }, drift.stabilityIndex);
        energy.set({ query, target }, drift.energyDistance);
        if (drift.belowThreshold !== null) below.set({ query, target, of: 'queries' }, drift.belowThreshold);
        if (drift.referenceBelowThreshold !== null)
          below.set({ query, target, of: 'training' }, drift.referenceBelowThreshold);
      }
    },
  };
}
