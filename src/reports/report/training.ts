/** One small chart for each loss term, for the accuracy of the discriminator and for the validation metric. */
import type { EpochRecord } from '../../encoder/types.js';
import { type Line, type LineChart, lineChart } from '../charts/line-chart.js';
import { count, duration, figure, html, type Markup } from '../markup.js';
import type { RunRecord, TrainingCurves } from '../run-record.js';

const TERMS: Readonly<Record<string, { readonly name: string; readonly means: string }>> = {
  similarity: { name: 'Similarity', means: 'L_corr: squared distance between the two codes of a pair' },
  reconstruction: { name: 'Reconstruction', means: 'L_rec: the four cross-modal reconstructions' },
  semantics: {
    name: 'Semantics',
    means: 'L_dis: cross-entropy of the classifier that both modalities share',
  },
  adversary: {
    name: 'Adversary',
    means: 'L_adv: cross-entropy of the discriminator; the encoders maximise it',
  },
  pairContrast: { name: 'Pair contrast', means: 'InfoNCE over the pairs of a batch' },
  classContrast: { name: 'Class contrast', means: 'supervised contrastive loss by class' },
  classCosine: { name: 'Class cosine', means: 'squared error of cosines against “same class”' },
};
/** Number of trainings with their own colour. */
const COLOURS = 5;

export function training(record: RunRecord): Markup {
  const trained = record.trainings.filter(({ epochs }) => epochs.length > 0);
  if (trained.length === 0) return html``;
  const presets = [...new Set(trained.map(({ preset }) => preset))];
  return html`<section id="training"><h2>Training</h2>
<p class="about">Each loss term is the unweighted mean over an epoch. Each line is one network; an ensemble has several.
The ring marks the selected epoch.</p>
${presets.map((preset) =>
  group(
    preset,
    trained.filter((one) => one.preset === preset),
  ),
)}
</section>`;
}

function group(preset: string, trainings: readonly TrainingCurves[]): Markup {
  const terms = [
    ...new Set(trainings.flatMap(({ epochs }) => epochs.flatMap(({ losses }) => Object.keys(losses)))),
  ];
  const charts: (LineChart & { readonly means: string })[] = terms.map((term) => ({
    ...base(TERMS[term]?.name ?? term, trainings, ({ losses }) => losses[term] ?? null),
    means: TERMS[term]?.means ?? '',
    ...(term === 'adversary' && { references: [{ at: Math.LN2, label: 'chance, ln 2' }] }),
  }));
  const accuracy = base('Discriminator’s accuracy', trainings, (epoch) => epoch.discriminatorAccuracy);
  if (accuracy.lines.length > 0) {
    charts.push({
      ...accuracy,
      yRange: [Math.min(0.4, ...ys(accuracy)), Math.max(0.6, ...ys(accuracy)) > 0.8 ? 1 : 0.8],
      references: [{ at: 0.5, label: 'chance' }],
      means: 'share of codes whose modality it classifies correctly; the encoders aim for .5',
    });
  }
  const validation = base('Validation', trainings, (epoch) => epoch.validation);
  if (validation.lines.length > 0) {
    charts.push({
      ...validation,
      marks: keptEpochs(trainings),
      means: 'map@all on held-out training pairs, mean of both directions',
    });
  }
  return html`<h3>Preset <code>${preset}</code></h3>
<p class="legend">${trainings.slice(0, COLOURS).map((one, i) => html`<span><i class="key stroke t${i}"></i>${one.label}<span class="quiet"> · ${epochs(one)}, ${duration(one.seconds)}</span></span>`)}${trainings.length > COLOURS && html`<span><i class="key stroke rest"></i>${trainings.length - COLOURS} more</span>`}</p>
<div class="multiples">${charts
    .filter(({ lines }) => lines.length > 0)
    .map(
      (chart) =>
        html`<figure><figcaption><b>${chart.title}</b><br><span class="quiet">${chart.means}</span></figcaption>${lineChart(chart)}</figure>`,
    )}</div>`;
}

/** One line for each network of each training. */
function base(
  title: string,
  trainings: readonly TrainingCurves[],
  value: (epoch: EpochRecord) => number | null,
): LineChart {
  const lines = trainings.flatMap((one, i) => {
    const members = [...new Set(one.epochs.map(({ member }) => member))];
    return members.flatMap((member): Line[] => {
      const points = one.epochs.flatMap((epoch) => {
        const y = epoch.member === member ? value(epoch) : null;
        return y === null || !Number.isFinite(y) ? [] : [[epoch.epoch, y] as const];
      });
      const last = points.at(-1);
      if (last === undefined) return [];
      const network = members.length > 1 ? `, network ${member + 1}` : '';
      return [
        {
          label: `${one.label}${network}: ${figure(last[1], 4)} at epoch ${last[0]}`,
          style: `${i < COLOURS ? `t${i}` : 'rest'} member${member % 3}`,
          points,
        },
      ];
    });
  });
  const ends = lines.map(({ label }) => label).join('; ');
  return { title, description: ends, xName: 'epoch', lines, wholeX: true };
}

function epochs({ epochs: all }: TrainingCurves): string {
  const networks = new Set(all.map(({ member }) => member)).size;
  return networks > 1
    ? `${networks} networks, ${count(all.length)} epochs together`
    : `${count(all.length)} epochs`;
}

function keptEpochs(trainings: readonly TrainingCurves[]) {
  return trainings.flatMap(({ epochs, bestEpoch, label }) => {
    const kept = epochs.find(({ member, epoch }) => member === 0 && epoch === bestEpoch);
    return kept?.validation == null
      ? []
      : [
          {
            x: kept.epoch,
            y: kept.validation,
            label: `${label}: selected, ${figure(kept.validation)} at epoch ${kept.epoch}`,
          },
        ];
  });
}

function ys({ lines }: LineChart): number[] {
  return lines.flatMap(({ points }) => points.map(([, y]) => y));
}
