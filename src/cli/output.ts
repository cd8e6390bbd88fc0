import Table from 'cli-table3';

/** The output of a command: results on stdout, messages on stderr. */
export interface Output {
  readonly json: boolean;
  /** Prints a result as text on stdout, unless --json is set. */
  print(text: string): void;
  /** Prints a result as JSON on stdout if --json is set. */
  printJson(value: unknown): void;
  /** Prints a message on stderr. */
  note(text: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    print: (text) => {
      if (!json) process.stdout.write(`${text}\n`);
    },
    printJson: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    note: (text) => {
      process.stderr.write(`${text}\n`);
    },
  };
}

export type Align = 'left' | 'right';

/** A table with a header and aligned columns, without a frame. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly Align[] = [],
): string {
  const drawn = new Table({
    head: [...header],
    colAligns: header.map((_, i) => align[i] ?? 'left'),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '',
    },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** One line of at most `width` characters. */
export function oneLine(text: string, width: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
