import Module from 'node:module';

/** `--import` of a process in which the packages of OpenTelemetry are not installed. */
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => {
  if (name.startsWith('@opentelemetry/'))
    throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' });
  return resolve(name, ...rest);
};
