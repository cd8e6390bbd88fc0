import type * as core from '@tensorflow/tfjs-core';
import { tfCore } from './tfjs-packages.js';

/** TensorFlow.js, loaded at import. For modules that always use tensors. */
export const tf = tfCore();

/** The types of `tf` that the code refers to. */
export declare namespace tf {
  type GradSaveFunc = core.GradSaveFunc;
  type Scalar = core.Scalar;
  type Tensor = core.Tensor;
  type Tensor1D = core.Tensor1D;
  type Tensor2D = core.Tensor2D;
  type Variable = core.Variable;
}
