// An S3 server in a process of its own: it encrypts the tokens of lists by DES, which needs a flag of Node.
import S3rver from '@20minutes/s3rver';

const [directory, port, signed] = process.argv.slice(2);
const server = new S3rver({
  port: Number(port),
  address: '127.0.0.1',
  silent: true,
  directory,
  allowMismatchedSignatures: signed !== 'true',
  configureBuckets: [{ name: 'pictures' }],
});
process.send(await server.run());
process.once('disconnect', () => process.exit());
