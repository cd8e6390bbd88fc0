// Makes the bucket of COMMONSPACE_MEDIA unless it exists. Run in the container of Commonspace, which has the S3 client.
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';

const Bucket = new URL(process.env.COMMONSPACE_MEDIA).hostname;
// The credentials are those of the AWS_ variables.
const client = new S3Client({
  endpoint: process.env.COMMONSPACE_S3_ENDPOINT,
  region: process.env.COMMONSPACE_S3_REGION || 'us-east-1',
  forcePathStyle: true,
});
try {
  await client.send(new HeadBucketCommand({ Bucket }));
  console.log(`The bucket ${Bucket} exists.`);
} catch (error) {
  if (error.$metadata?.httpStatusCode !== 404) throw error;
  await client.send(new CreateBucketCommand({ Bucket }));
  console.log(`Made the bucket ${Bucket}.`);
}
