// The child process of the tests of the data folder. `node catalog-child.mjs hold|insert FOLDER [UID]`.
import { openCatalog } from '../../dist/catalog/catalog.js';
import { lockFolder } from '../../dist/catalog/postgres/folder-lock.js';

const [mode, folder, uid] = process.argv.slice(2);
// After the imports, because the other user may have no access to the project's folder.
if (uid !== undefined) process.setuid(Number(uid));
const say = (line) => process.stdout.write(`${line}\n`);

try {
  if (mode === 'hold') {
    await lockFolder(folder);
    say('held');
    // Until it is killed or the parent disconnects.
    process.stdin.on('end', () => process.exit(0)).resume();
  } else {
    const catalog = await openCatalog({ dataDir: folder, sharedBuffers: 32 });
    say('open');
    for (let n = 0; ; n += 1) {
      const id = crypto.randomUUID();
      await catalog.items.upsertMany([
        {
          id,
          modality: 'TEXT',
          externalId: `n${n}`,
          title: null,
          metadata: {},
          contentHash: id,
          pairKey: null,
          classNames: [],
          image: null,
          text: { text: `text ${n}`, language: null },
          features: new Map([['t@1', Float32Array.of(1, n)]]),
          embeddings: new Map(),
        },
      ]);
      say(id);
    }
  }
} catch (error) {
  say(`${error.code} ${error.message}`);
}
