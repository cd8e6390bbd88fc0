import { dirname, join, normalize } from 'node:path/posix';
import { type Expression, type Node, parseSync, Visitor } from 'oxc-parser';

/** A source file by its path below the project, e.g. `src/media/decode.ts`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

interface Import {
  /** As written: `../domain/errors.js`, `node:fs`. */
  readonly specifier: string;
  /** The imported file of ours, e.g. `src/domain/errors.ts`; null for a package. */
  readonly target: string | null;
  /** `import type`, `export type … from` and `import('…')` types: nothing of them is left in the compiled code. */
  readonly typeOnly: boolean;
}

/** What the rules ask of a source file, read from its syntax tree. */
export interface SourceFacts {
  readonly path: string;
  readonly imports: readonly Import[];
  readonly readsEnvironment: boolean;
  readonly hasDefaultExport: boolean;
  /** The text of all string literals and templates. */
  readonly strings: readonly string[];
}

/** @throws Error if the text is not TypeScript, because a file that cannot be read has no known imports */
export function readFacts({ path, text }: SourceFile): SourceFacts {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const strings: string[] = [];
  let readsEnvironment = false;
  let hasDefaultExport = false;
  const add = (source: Node | null | undefined, typeOnly = false) => {
    const specifier = source ? constantString(source) : null;
    if (specifier !== null) imports.push({ specifier, target: targetOf(path, specifier), typeOnly });
  };
  new Visitor({
    ImportDeclaration(node) {
      add(node.source, node.importKind === 'type');
      const ofProcess = /^(node:)?process$/.test(node.source.value);
      if (
        ofProcess &&
        node.specifiers.some((found) => 'imported' in found && nameOf(found.imported) === 'env')
      )
        readsEnvironment = true;
    },
    ExportNamedDeclaration(node) {
      add(node.source, node.exportKind === 'type');
      if (node.specifiers.some(({ exported }) => nameOf(exported) === 'default')) hasDefaultExport = true;
    },
    ExportAllDeclaration(node) {
      add(node.source, node.exportKind === 'type');
      if (node.exported && nameOf(node.exported) === 'default') hasDefaultExport = true;
    },
    ExportDefaultDeclaration() {
      hasDefaultExport = true;
    },
    ImportExpression(node) {
      add(node.source);
    },
    TSImportType(node) {
      add(node.source, true);
    },
    TSExternalModuleReference(node) {
      add(node.expression);
    },
    CallExpression({ callee, arguments: [first] }) {
      if (callee.type === 'Identifier' && callee.name === 'require') add(first);
    },
    MemberExpression(node) {
      if (isProcess(node.object) && memberName(node) === 'env') readsEnvironment = true;
    },
    VariableDeclarator({ id, init }) {
      if (id.type !== 'ObjectPattern' || !init || !isProcess(init)) return;
      if (id.properties.some((found) => 'key' in found && nameOf(found.key) === 'env'))
        readsEnvironment = true;
    },
    Literal(node) {
      if (typeof node.value === 'string') strings.push(node.value);
    },
    TemplateElement(node) {
      strings.push(node.value.raw);
    },
  }).visit(program);
  return { path, imports, readsEnvironment, hasDefaultExport, strings };
}

function targetOf(path: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts');
}

function constantString(node: Node): string | null {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : null;
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? null;
  return null;
}

function nameOf(node: Node): string | null {
  return node.type === 'Identifier' ? node.name : constantString(node);
}

function memberName(node: Extract<Node, { type: 'MemberExpression' }>): string | null {
  return node.computed ? constantString(node.property) : nameOf(node.property);
}

/** `process`, `globalThis.process` */
function isProcess(node: Expression | Node): boolean {
  if (node.type === 'Identifier') return node.name === 'process';
  return node.type === 'MemberExpression' && memberName(node) === 'process';
}
