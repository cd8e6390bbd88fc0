/** The part of a connection that leads to the next page. */
export interface PageOf {
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null | undefined };
}

/** The pages of a connection, each fetched when it is asked for. */
export async function* pagesOf<Page extends PageOf>(
  fetchPage: (after: string | null) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let after: string | null = null;
  for (;;) {
    const page: Page = await fetchPage(after);
    yield page;
    const { hasNextPage, endCursor } = page.pageInfo;
    if (!hasNextPage || endCursor == null) return;
    after = endCursor;
  }
}
