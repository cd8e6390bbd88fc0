import { useQuery } from '@tanstack/react-query';
import { ReportDocument, TrainingRecordDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { fromEvaluation, fromRecord } from './report-values.js';

const REFRESH_MS = 2_000;

/** What was measured of a version, and how its latest evaluation is. */
export function useReport(id: string) {
  const evaluation = useQuery({
    queryKey: ['report', id],
    queryFn: async ({ signal }) => (await client.execute(ReportDocument, { id }, { signal })).evaluation,
    refetchInterval: ({ state }) => (state.data?.state === 'RUNNING' ? REFRESH_MS : false),
  });
  const measured = fromEvaluation(evaluation.data ?? null);
  const training = useQuery({
    queryKey: ['training-record', id],
    queryFn: async ({ signal }) => (await client.execute(TrainingRecordDocument, { id }, { signal })).encoder,
    enabled: evaluation.isSuccess && measured === null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const fallback = training.data ? fromRecord(training.data.record, training.data.classification) : null;
  return {
    evaluation: evaluation.data ?? null,
    report: measured ?? fallback,
    error: evaluation.error ?? training.error,
    isPending: evaluation.isPending || (training.isEnabled && training.isPending),
    refetch: evaluation.refetch,
  };
}
