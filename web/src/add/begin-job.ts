import { useMutation } from '@tanstack/react-query';
import { required } from '../../../src/client/results.js';
import { BeginIngestDocument, type BeginIngestMutationVariables } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { jobsChanged } from '../jobs/job-actions.js';

/** Begins the job that adds a source. */
export function useBeginJob(onBegun: (jobId: string) => void) {
  return useMutation({
    mutationFn: async (input: BeginIngestMutationVariables['input']) => {
      const { ingestBulk } = await client.execute(BeginIngestDocument, { input });
      return required(ingestBulk.job, ingestBulk.errors).id;
    },
    onSuccess: async (jobId) => {
      onBegun(jobId);
      await jobsChanged();
    },
  });
}
