// Trains or activates in a process of its own, which kills itself by SIGKILL at the named point.
// node killed-child.mjs WHERE [ENCODER]; the environment names the catalogue, and IMAGE_EXTRACTOR the extractor to train on.
import { openApp } from '../../dist/compose.js';
import { readConfig } from '../../dist/config.js';

const [where, encoder] = process.argv.slice(2);
const die = () => process.kill(process.pid, 'SIGKILL');
const app = await openApp(readConfig(), console.error);

const REQUEST = {
  preset: 'paper',
  seed: 2,
  unseen: [],
  holdout: 0.2,
  epochs: 12,
  learnFrom: null,
  options: { tune: 'none' },
  activate: where === 'ready',
  force: true,
  imageExtractor: process.env.IMAGE_EXTRACTOR ?? null,
};

function onProgress(event) {
  if (where === 'features' && event.stage === 'features' && event.done < event.all) die();
  // A checkpoint is written every five epochs.
  if (where === 'train' && event.stage === 'train' && event.progress.epoch >= 8) die();
  if (where === 'evaluate' && event.stage === 'evaluate') die();
  if (where === 'embed' && event.stage === 'embed') die();
}

if (where === 'ready') app.encoders.activate = die;
if (encoder === undefined) {
  await app.training.train(REQUEST, { onStart: (id) => process.stdout.write(`${id}\n`), onProgress });
} else {
  process.send?.('now');
  await app.encoders.activate(encoder, { force: true });
  if (where === 'switched') die();
}
if (where !== 'nowhere') throw new Error(`came past ${where}`);
await app.close();
