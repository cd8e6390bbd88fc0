import type * as core from '@tensorflow/tfjs-core';
import { tfCore } from './tfjs-packages.js';

/** TensorFlow.js for code that is about tensors: loads as it is imported. */
export const tf = tfCore();

/** The types of `tf` that we name. */
export declare namespace tf {
  type GradSaveFunc = core.GradSaveFunc;
  type Scalar = core.Scalar;
  type Tensor = core.Tensor;
  type Tensor1D = core.Tensor1D;
  type Tensor2D = core.Tensor2D;
  type Variable = core.Variable;
}
