import type * as TF from '@tensorflow/tfjs-core';

interface MatMulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}
/** The part of the wasm backend that frees memory. */
interface Disposer {
  disposeData(dataId: object): boolean;
}

/**
 * Makes the wasm backend's matrix products with a transposed operand several times faster: the operand is transposed by the
 * `Transpose` kernel first. The shipped kernel (4.22) reads a transposed operand column by column. Every gradient of a dense
 * layer is such a product. Results differ from those of the shipped kernel only by float32 rounding.
 *
 * Call once, after the wasm backend is ready.
 */
export function useFastTransposedMatMul(tf: typeof import('@tensorflow/tfjs-core')): void {
  for (const kernelName of [tf.BatchMatMul, tf._FusedMatMul]) {
    const shipped = tf.getKernel(kernelName, 'wasm');
    const transpose = tf.getKernel(tf.Transpose, 'wasm');
    if (shipped === undefined || transpose === undefined) continue;

    const kernelFunc: TF.KernelFunc = ({ inputs, attrs, backend }) => {
      const { transposeA, transposeB } = attrs as unknown as MatMulAttributes;
      const made: TF.TensorInfo[] = [];
      const straight = (x: TF.TensorInfo | undefined, transposed: boolean) => {
        if (!transposed || x === undefined) return x;
        const last = x.shape.length - 1;
        const perm = x.shape.map((_, axis) => (axis < last - 1 ? axis : 2 * last - 1 - axis));
        const info = transpose.kernelFunc({ inputs: { x }, attrs: { perm }, backend }) as TF.TensorInfo;
        made.push(info);
        return info;
      };
      const a = straight(inputs.a, transposeA);
      const b = straight(inputs.b, transposeB);
      const out = shipped.kernelFunc({
        inputs: { ...inputs, a, b } as TF.NamedTensorInfoMap,
        attrs: { ...attrs, transposeA: false, transposeB: false },
        backend,
      });
      for (const info of made) (backend as Disposer).disposeData(info.dataId);
      return out;
    };

    // Registering a kernel twice prints a warning, so the shipped one is unregistered first.
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...shipped, kernelFunc });
  }
}
