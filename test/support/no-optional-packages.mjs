import { register } from 'node:module';

/** `--import` of a process, and of its threads, in which the optional packages are not installed. */
const hooks = `export async function resolve(specifier, context, next) {
  if (['onnxruntime-node', '@huggingface/tokenizers'].includes(specifier)) {
    throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
  }
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
