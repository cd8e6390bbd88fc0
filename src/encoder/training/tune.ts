/**
 * Chooses options on held-out rows of the training set: those of CCA, then the regularisation and the epochs of the networks, then
 * the weights of the parts and how much of their norms they keep.
 */
import type { TrainOptions, Tuning } from '../types.js';
import { collectBranches } from './build-encoder.js';
import { type CcaChoice, chooseCca } from './choose-cca.js';
import { best, chooseTrial, type Trial } from './choose-trial.js';
import type { TrainedMember } from './member-training.js';
import { mixtureFigures } from './mixture-figures.js';
import { trainOnRows } from './train-on-rows.js';
import type { PreparedSource } from './training-data.js';
import { type Choice, networkSettings, normSettings, shareSettings } from './tune-candidates.js';
import { type Fold, largeFold, makeFolds } from './tune-folds.js';

export interface Tuned {
  readonly options: TrainOptions;
  /** The combinations compared last, best first. */
  readonly trials: readonly Trial[];
  /** The figure of the choice; null where nothing was chosen. */
  readonly figure: number | null;
  readonly notes: readonly string[];
}

/** The options as they are. */
export function untuned(options: TrainOptions, notes: readonly string[] = []): Tuned {
  return { options, trials: [], figure: null, notes };
}

interface TuneHooks {
  /** Lets other work of the thread run; throws CANCELLED when the training is cancelled. */
  readonly yieldToEventLoop: () => Promise<void>;
  readonly log: (message: string) => void;
}

/**
 * The options with the best combination laid over them. Only rows of the training set are used. The same input and seed give
 * the same choice. Where too little can be held out, the options stay as they are and a note says so.
 */
export async function tuneOptions(
  prepared: PreparedSource,
  options: TrainOptions,
  hooks: TuneHooks,
): Promise<Tuned> {
  const { tune } = options;
  if (tune === 'none') return untuned(options);
  const folds = makeFolds(prepared, { ...options, tune }, networkSettings(options).length);
  if (folds.length === 0) {
    const why = `There are too few ${tune} to hold some out: the options stay as the preset has them.`;
    return untuned(options, [why]);
  }
  hooks.log(`choosing the linear part on held-out ${tune}`);
  const cca = await chooseLinear(prepared, { ...options, tune }, hooks);
  const linear = cca === null ? {} : linearChoice(cca, options);
  const large = largeFold(prepared, options, folds);
  // One fold is enough for the networks' setting where the parts are measured on another training, which takes the time of the second.
  const small = large === null ? folds : folds.slice(0, 1);
  const tuner = new Tuner(prepared, small, { ...options, ...linear }, cca, hooks);
  const setting = await tuner.chooseNetwork();
  const measured = large === null ? tuner.chooseParts(setting) : tuner.choosePartsOn(large, setting);
  const trials = (await measured).map(({ choice, figure }) => ({
    choice: { ...linear, ...setting, ...choice },
    figure,
  }));
  trials.sort((a, b) => b.figure - a.figure);
  const { choice, figure } = chooseTrial(trials, tune);
  return { options: { ...options, ...choice }, trials, figure, notes: [choiceNote(choice, tune)] };
}

/** Null where no part of the encoder is linear. */
async function chooseLinear(
  prepared: PreparedSource,
  options: TrainOptions & { readonly tune: Exclude<Tuning, 'none'> },
  { yieldToEventLoop }: TuneHooks,
): Promise<CcaChoice | null> {
  if (options.ccaShare === 0 && !options.ccaSkip) return null;
  const most = options.ccaDimension || options.dimension;
  return (await chooseCca(prepared, options.tune, most, options, yieldToEventLoop)).choice;
}

function linearChoice({ regularisation, power, k }: CcaChoice, { ccaShare }: TrainOptions): Choice {
  return {
    ccaRegularisation: regularisation,
    ccaPower: power,
    ...(ccaShare > 0 && { ccaDimension: k }),
  };
}

/** Trains networks on folds and measures combinations of their parts. */
class Tuner {
  private readonly candidates: readonly Choice[];
  /** The networks of each fold that have the setting chosen. */
  private networks: readonly TrainedMember[] = [];

  constructor(
    private readonly prepared: PreparedSource,
    private readonly folds: readonly Fold[],
    private readonly options: TrainOptions,
    cca: CcaChoice | null,
    private readonly hooks: TuneHooks,
  ) {
    this.candidates = normSettings(options, cca).flatMap((norms) =>
      shareSettings(options).map((shares) => ({ ...norms, ...shares })),
    );
  }

  /** The setting of the networks whose best combination is best, with one network for each fold. */
  async chooseNetwork(): Promise<Choice> {
    const settings = networkSettings(this.options);
    let chosen: Trial = { choice: {}, figure: -1 };
    for (const [n, setting] of settings.entries()) {
      const networks: TrainedMember[] = [];
      for (const [f, fold] of this.folds.entries()) {
        this.log(`network ${n * this.folds.length + f + 1} of ${settings.length * this.folds.length}`);
        networks.push(await this.train(fold, setting, 0));
      }
      const { figure } = best(
        await this.trials(
          setting,
          networks.map((network) => [network]),
        ),
      );
      if (figure > chosen.figure) {
        chosen = { choice: setting, figure };
        this.networks = networks;
      }
    }
    return chosen.choice;
  }

  /** Every combination of shares and norms, with as many networks for each fold as the encoder has. */
  async chooseParts(setting: Choice): Promise<Trial[]> {
    const ensembles: TrainedMember[][] = this.networks.map((network) => [network]);
    for (const [f, fold] of this.folds.entries()) {
      for (let member = 1; member < this.options.members; member += 1) {
        this.log(`ensemble ${f + 1} of ${this.folds.length}`);
        ensembles[f]?.push(await this.train(fold, setting, member));
      }
    }
    return await this.trials(setting, ensembles);
  }

  /** The same with one network, trained on the pairs of this fold. */
  async choosePartsOn(fold: Fold, setting: Choice): Promise<Trial[]> {
    this.log('a network of most pairs');
    return await this.trials(setting, [[await this.train(fold, setting, 0)]], [fold]);
  }

  private async trials(
    setting: Choice,
    ensembles: readonly (readonly TrainedMember[])[],
    folds = this.folds,
  ): Promise<Trial[]> {
    const { options, candidates, prepared } = this;
    const settings = { ...options, ...setting };
    const figures: number[][] = [];
    for (const [f, fold] of folds.entries()) {
      // A linear branch is built only if it has a share, and some candidates may give it one.
      const branches = collectBranches({ ...prepared, pairs: fold.training }, ensembles[f] ?? [], {
        ...settings,
        ccaShare: options.ccaShare > 0 ? 0.3 : 0,
        semanticShare: options.semanticShare > 0 ? 0.3 : 0,
      });
      figures.push(
        mixtureFigures(
          branches,
          fold,
          candidates.map((choice) => ({ ...settings, ...choice })),
        ),
      );
      await this.hooks.yieldToEventLoop();
    }
    return candidates.map((choice, i) => ({
      choice,
      figure: figures.reduce((sum, fold) => sum + (fold[i] ?? 0), 0) / folds.length,
    }));
  }

  /** One network, trained on the fold's pairs for all epochs of the setting. */
  private train({ training }: Fold, setting: Choice, member: number): Promise<TrainedMember> {
    const options = { ...this.options, ...setting };
    return trainOnRows(this.prepared, training, options, member, this.hooks.yieldToEventLoop);
  }

  private log(message: string): void {
    this.hooks.log(`choosing on held-out ${this.options.tune}: ${message}`);
  }
}

function choiceNote(choice: Choice, tune: Tuning): string {
  const values = Object.entries(choice).flatMap(([name, value]) =>
    typeof value === 'object'
      ? Object.entries(value).map(([term, weight]) => `${name}.${term} ${weight}`)
      : [`${name} ${value}`],
  );
  return `Chosen on held-out ${tune}: ${values.join(', ')}.`;
}
