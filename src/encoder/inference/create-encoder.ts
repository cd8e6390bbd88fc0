/** A trained encoder, ready to embed feature vectors: plain arithmetic, no tensors. */
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import { type Matrix, rowOf } from '../math/matrix.js';
import type { Encoder } from '../types.js';
import { codeWidth, runBranches, runDense } from './branches.js';
import { embeddingWidth, embedOutputs } from './embed.js';
import { createNormaliser } from './normalise.js';
import type { EncoderParameters } from './parameters.js';

/** The encoder with these parameters. Its `embed` throws WRONG_DIMENSION for a feature vector of another length. */
export function createEncoder(parameters: EncoderParameters): Encoder {
  const { sides } = parameters;
  const dimension = embeddingWidth(parameters);
  const featureDimension = {
    IMAGE: sides.IMAGE.normalisation.mean.length,
    TEXT: sides.TEXT.normalisation.mean.length,
  };
  const normalise = {
    IMAGE: createNormaliser(sides.IMAGE.normalisation),
    TEXT: createNormaliser(sides.TEXT.normalisation),
  };

  const componentsOf = (modality: Modality, feature: Float32Array): Float32Array => {
    if (feature.length !== featureDimension[modality]) {
      throw new CommonspaceError(
        'WRONG_DIMENSION',
        `the encoder takes ${modality.toLowerCase()} features of ${featureDimension[modality]} numbers, not ${feature.length}`,
      );
    }
    return normalise[modality](feature);
  };
  const embedComponents = (modality: Modality, components: Float32Array): Float32Array =>
    embedOutputs(parameters, modality, runBranches(parameters, modality, components));
  const embed = (modality: Modality, feature: Float32Array): Float32Array =>
    embedComponents(modality, componentsOf(modality, feature));

  return {
    dimension,
    featureDimension,
    embed,
    embedName(feature: Float32Array): Float32Array {
      const components = componentsOf('TEXT', feature);
      const embedding = embedComponents('TEXT', components);
      if (parameters.nameMap == null) return embedding;
      const added = runDense(parameters.nameMap, components);
      return unit(embedding.map((x, i) => x + (added[i] as number)));
    },
    embedMany(modality: Modality, features: Matrix): Matrix {
      const data = new Float32Array(features.rows * dimension);
      for (let row = 0; row < features.rows; row += 1)
        data.set(embed(modality, rowOf(features, row)), row * dimension);
      return { data, rows: features.rows, columns: dimension };
    },
  };
}

/**
 * Checks that the branches of both modalities have the same widths, and that a residual and the name map give the width of an
 * embedding: otherwise embeddings could not be compared.
 *
 * @throws CommonspaceError BAD_MODEL
 */
export function checkParameters(parameters: EncoderParameters): void {
  const [image, text] = MODALITIES.map((modality) =>
    parameters.sides[modality].branches
      .map((branch) => `${codeWidth(branch)}/${branch.head?.bias.length ?? 0}`)
      .join('+'),
  );
  if (image !== text) {
    throw new CommonspaceError(
      'BAD_MODEL',
      `the codes of the encoder have different widths for images (${image}) and texts (${text})`,
    );
  }
  const dimension = embeddingWidth(parameters);
  let width = dimension;
  for (const { weights } of parameters.textResidual ?? []) {
    if (weights.rows !== width) throw residualWidth(dimension);
    width = weights.columns;
  }
  if (width !== dimension) throw residualWidth(dimension);
  const { nameMap, sides } = parameters;
  if (nameMap == null) return;
  const { rows, columns } = nameMap.weights;
  if (rows !== sides.TEXT.normalisation.basis.columns || columns !== dimension)
    throw new CommonspaceError(
      'BAD_MODEL',
      `the name map of the encoder maps ${rows} numbers to ${columns}, not the components of a text to an embedding`,
    );
}

function residualWidth(dimension: number): CommonspaceError {
  return new CommonspaceError(
    'BAD_MODEL',
    `the residual of texts does not map the ${dimension} numbers of an embedding to as many`,
  );
}
