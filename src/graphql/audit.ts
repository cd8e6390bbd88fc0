import type { ApiKeyRow } from '../services/models.js';
import type { GraphqlContext } from './context.js';

type Values = Readonly<Record<string, unknown>>;

/** Ids and names that an entry lists; the others are only counted. */
const LISTED = 20;

/**
 * Notes a mutation in the audit log. The write is done by then, so a failure is reported to the log of the server and the mutation
 * succeeds.
 */
export async function noteMutation(
  { services, caller }: GraphqlContext,
  name: string,
  args: Values,
  payload: unknown,
): Promise<void> {
  await services.audit(caller, name, {
    ...detailOf(name, args, payload as Values),
    ...errorsOf(payload as Values),
  });
}

function detailOf(name: string, args: Values, payload: Values): Values {
  if (name === 'ingest' || name === 'updateItems') {
    const { results, created, updated, unchanged, failed } = payload;
    const ids = (
      results as readonly { readonly item: { readonly id: string } | null; readonly status: string }[]
    )
      .filter(({ status }) => status === 'CREATED' || status === 'UPDATED')
      .flatMap(({ item }) => item?.id ?? []);
    return { created, updated, unchanged, failed, ids: ids.slice(0, LISTED) };
  }
  if (name === 'deleteItems') {
    const deleted = (payload.deletedIds as readonly string[] | undefined) ?? [];
    return { deleted: deleted.length, ids: deleted.slice(0, LISTED) };
  }
  if (name === 'updateItem') {
    const item = payload.item as { readonly id: string } | null;
    return item === null ? {} : { id: item.id };
  }
  if (name === 'renameClass' || name === 'mergeClasses' || name === 'deleteClass') {
    const { id, name: former, newName, from, into } = args;
    const values = Object.entries({ id, name: former, newName, from, into });
    return Object.fromEntries(values.filter(([, value]) => value != null));
  }
  if (name === 'ingestBulk' || name === 'importCatalogue' || name === 'deleteMatchingItems') {
    const job = payload.job as { readonly id: string } | null;
    // Arguments that cannot be stored were refused.
    if (job === null) return {};
    const given =
      name === 'deleteMatchingItems' ? { filter: args.filter, all: args.all } : (args.input as Values);
    const values = Object.entries(given).filter(([, value]) => value != null);
    return { ...Object.fromEntries(values), id: job.id };
  }
  if (name === 'createKey' || name === 'revokeKey') {
    const key = payload.key as Pick<ApiKeyRow, 'id' | 'name' | 'scopes' | 'expiresAt'> | null;
    return key === null ? {} : { id: key.id, name: key.name, scopes: key.scopes, expiresAt: key.expiresAt };
  }
  const { id, name: title, force } = args;
  const encoder = payload.encoder as { readonly id: string } | null | undefined;
  return {
    ...(id !== undefined && { id }),
    ...(title !== undefined && { name: title }),
    ...(force === true && { force }),
    ...(encoder != null && { id: encoder.id }),
  };
}

function errorsOf({ errors }: Values): Values {
  const codes = (errors as readonly { readonly code: string }[] | undefined)?.map(({ code }) => code) ?? [];
  return codes.length > 0 ? { errors: codes } : {};
}
