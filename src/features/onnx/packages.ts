import { CommonspaceError } from '../../domain/errors.js';

/** Without the variable, the install script of onnxruntime-node downloads its CUDA libraries, which are not used. */
const INSTALL =
  'ONNXRUNTIME_NODE_INSTALL=skip npm install --no-save onnxruntime-node @huggingface/tokenizers';

/** @throws CommonspaceError PACKAGE_MISSING, with the command that installs it */
export async function loadOnnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  return await import('onnxruntime-node').catch((error: unknown) => {
    throw missing('onnxruntime-node', error);
  });
}

/** @throws CommonspaceError PACKAGE_MISSING, with the command that installs it */
export async function loadTokenizers(): Promise<typeof import('@huggingface/tokenizers')> {
  return await import('@huggingface/tokenizers').catch((error: unknown) => {
    throw missing('@huggingface/tokenizers', error);
  });
}

function missing(name: string, error: unknown): CommonspaceError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new CommonspaceError(
    'PACKAGE_MISSING',
    `ONNX models need the package ${name}, which cannot be loaded (${code}). Install it: ${INSTALL}`,
    [],
    { cause: error },
  );
}
