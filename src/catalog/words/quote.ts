/** A lexeme of a tsquery or tsvector. Lexemes hold letters, digits, spaces and markers only, nothing to escape. */
export function quote(lexeme: string): string {
  return `'${lexeme}'`;
}
