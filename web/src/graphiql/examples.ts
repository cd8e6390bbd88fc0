type ExampleName = 'text' | 'picture' | 'ingest' | 'classes' | 'train' | 'jobs' | 'changes';

/** An operation that a user can run and change. A test checks it against the schema. */
export interface Example {
  readonly name: ExampleName;
  readonly query: string;
  /** JSON; empty without variables. */
  readonly variables: string;
}

const json = (value: object): string => JSON.stringify(value, null, 2);

/** Operations for the main jobs of the API, in the order of the menu. */
export const EXAMPLES: readonly Example[] = [
  {
    name: 'text',
    query: `query SearchByText(
  $text: String!
  $target: Modality
  $first: Int
) {
  crossModalSearch(
    query: { text: $text }
    target: $target
    first: $first
  ) {
    edges {
      score
      node {
        id
        title
        classes {
          name
        }
        ... on ImageItem {
          url(width: 256)
        }
        ... on TextItem {
          text
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: json({ text: 'a big cat with stripes', target: 'IMAGE', first: 3 }),
  },
  {
    name: 'picture',
    query: `query SearchByPicture(
  $address: String!
  $target: Modality
  $first: Int
) {
  crossModalSearch(
    query: { imageUrl: $address }
    target: $target
    first: $first
  ) {
    edges {
      score
      node {
        id
        title
        ... on ImageItem {
          url(width: 256)
        }
        ... on TextItem {
          text
        }
      }
    }
  }
}
`,
    variables: json({ address: 'https://example.org/picture.jpg', target: 'TEXT', first: 3 }),
  },
  {
    name: 'ingest',
    query: `mutation IngestItems($items: [IngestItemInput!]!) {
  ingest(input: { items: $items }) {
    created
    updated
    unchanged
    failed
    results {
      status
      item {
        id
      }
      error {
        code
        message
        field
      }
    }
  }
}
`,
    variables: json({
      items: [{ externalId: 'example-1', title: 'Example', content: { text: 'a tiger in the grass' } }],
    }),
  },
  {
    name: 'classes',
    query: `query ListClasses($search: String, $first: Int) {
  classes(search: $search, first: $first) {
    totalCount
    nodes {
      id
      name
      seen
      itemCount
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: json({ search: null, first: 10 }),
  },
  {
    name: 'train',
    query: `mutation Train($input: TrainEncoderInput!) {
  trainEncoder(input: $input) {
    encoder {
      id
      state
    }
    errors {
      code
      message
      field
    }
  }
}
`,
    variables: json({ input: { preset: 'DEFAULT', activate: false } }),
  },
  {
    name: 'jobs',
    query: `query ListJobs($states: [JobState!], $first: Int) {
  jobs(states: $states, first: $first) {
    totalCount
    nodes {
      id
      kind
      state
      progress
      done
      failed
      message
    }
  }
}
`,
    variables: json({ states: null, first: 10 }),
  },
  {
    name: 'changes',
    query: `subscription FollowChanges {
  itemChanges {
    position
    nodes {
      kind
      at
      item {
        id
        title
      }
    }
  }
}
`,
    variables: '',
  },
];

/** The name of the operation, which GraphiQL shows on the tab. */
export function operationOf({ query }: Example): string {
  return /\b(?:query|mutation|subscription) (\w+)/.exec(query)?.[1] ?? '';
}
