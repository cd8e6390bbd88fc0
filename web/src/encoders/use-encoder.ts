import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ApiError } from '../../../src/client/api-error.js';
import {
  EncoderListDocument,
  EpochHistoryDocument,
  VersionChangesDocument,
  VersionDocument,
} from '../__generated__/operations.js';
import { client, queries } from '../api/client.js';
import { nodesOf, usePages } from '../ui/use-pages.js';
import { type EncoderStateName, isWorking } from './states.js';

const REFRESH_MS = 2_000;
/** Failures that pass: the server or its database is gone for a while. */
const PASSING: ReadonlySet<string> = new Set(['UNREACHABLE', 'DATABASE_UNREACHABLE']);

/** Versions, newest first, page by page; again and again while the server works on one. */
export function useEncoders(states: readonly EncoderStateName[] | null = null) {
  const read = async (after: string | null, signal: AbortSignal) =>
    (await client.execute(EncoderListDocument, { states, after }, { signal })).encoders;
  return usePages(['encoders', states], read, {
    refetchInterval: ({ state }) =>
      nodesOf(state.data).some((each) => isWorking(each.state)) ? REFRESH_MS : false,
  });
}

/** One version, and its changes while the server works on it. */
export function useEncoder(id: string) {
  const query = useQuery({
    queryKey: ['encoder', id],
    queryFn: async ({ signal }) => (await client.execute(VersionDocument, { id }, { signal })).encoder,
  });
  const working = query.data != null && isWorking(query.data.state);
  // The stream goes on after the last epoch, until the version is activated or refused.
  const [following, setFollowing] = useState(false);
  if (working && !following) setFollowing(true);
  useEffect(() => {
    if (!following) return;
    const stop = new AbortController();
    void follow(id, stop.signal).then(() => {
      if (!stop.signal.aborted) setFollowing(false);
    });
    return () => stop.abort();
  }, [id, following]);
  return query;
}

/** The figures of the epochs so far. */
export function useHistory(id: string, working: boolean) {
  return useQuery({
    queryKey: ['encoder-history', id],
    queryFn: async ({ signal }) =>
      (await client.execute(EpochHistoryDocument, { id }, { signal })).encoder?.history ?? [],
    refetchInterval: working ? REFRESH_MS : false,
  });
}

/** What shows versions of the encoder is read again. */
export async function encodersChanged(): Promise<void> {
  await queries.invalidateQueries({
    predicate: ({ queryKey: [name] }) => typeof name === 'string' && !UNCHANGED.has(name),
  });
}

const UNCHANGED: ReadonlySet<string> = new Set(['session', 'training-record']);

async function follow(id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { encoderProgress } of client.subscribe(VersionChangesDocument, { id }, { signal })) {
        queries.setQueryData(['encoder', id], encoderProgress);
      }
      break;
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError) || !PASSING.has(error.code)) break;
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    }
  }
  if (!signal.aborted) await encodersChanged();
}
