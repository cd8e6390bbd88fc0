import type { GraphiQL } from 'graphiql';
import { type DefinitionNode, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { createClient, NetworkError } from 'graphql-sse';
import type { ComponentProps } from 'react';

type Fetcher = ComponentProps<typeof GraphiQL>['fetcher'];
type Operation = Parameters<Fetcher>[0];
type Headers = Readonly<Record<string, string>>;

const ENDPOINT = '/graphql';

/**
 * Sends operations to the public endpoint with the cookie of the session. GraphiQL gets answers as the server sends them, errors too.
 *
 * @param onRefused called when the session is not valid any more
 */
export function createFetcher(onRefused: () => void): Fetcher {
  return (given, options) => {
    const headers = (options?.headers ?? {}) as Headers;
    const operation = operationIn(given.query, given.operationName);
    const parameters =
      operation === null ? given : { ...given, operationName: operation.name?.value ?? null };
    return operation?.operation === 'subscription'
      ? follow(parameters, headers)
      : send(parameters, headers, onRefused);
  };
}

/** The operation to run: what GraphiQL knows of the text can be from before the last key was pressed. Null if the text does not say. */
function operationIn(text: string, name: string | null | undefined): OperationDefinitionNode | null {
  const operations = definitionsOf(text).filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const [only, ...others] = operations;
  const named = operations.find((each) => each.name?.value === name);
  return named ?? (only !== undefined && others.length === 0 ? only : null);
}

function definitionsOf(text: string): readonly DefinitionNode[] {
  try {
    return parse(text).definitions;
  } catch {
    // The server says what is wrong with it.
    return [];
  }
}

async function send(parameters: object, headers: Headers, onRefused: () => void): Promise<object> {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...headers,
    },
    body: JSON.stringify(parameters),
  });
  // A key in the headers editor can be wrong while the session is valid.
  const hasKey = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  if (response.status === 401 && !hasKey) onRefused();
  return (await response.json()) as object;
}

/** The results of a subscription. What the server answers in place of a stream is the last result. */
function follow(parameters: Operation, headers: Headers): AsyncIterableIterator<object> {
  const { query, operationName, variables } = parameters;
  const sse = createClient({ url: ENDPOINT, headers: { ...headers }, retryAttempts: 0 });
  const results = sse.iterate({
    query,
    ...(operationName && { operationName }),
    ...(variables != null && { variables: variables as Record<string, unknown> }),
  });
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        return await results.next();
      } catch (error) {
        if (!(error instanceof NetworkError) || error.response === undefined) throw error;
        return { value: (await (error.response as Response).json()) as object, done: false };
      }
    },
    // A generator would wait for the next event before it ends.
    async return() {
      sse.dispose();
      return { value: undefined, done: true };
    },
  };
}
