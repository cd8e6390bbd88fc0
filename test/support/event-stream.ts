/** A server-sent event. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** The events of a stream of server-sent events, as they arrive, without comments. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  if (response.body === null) throw new Error('no body');
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n').filter((line) => !line.startsWith(':') && line !== '');
      const fieldOf = (field: string) =>
        lines.flatMap((line) => (line.startsWith(`${field}:`) ? [line.slice(field.length + 1).trim()] : []));
      if (lines.length > 0) yield { event: fieldOf('event').join(''), data: fieldOf('data').join('\n') };
    }
  }
}
