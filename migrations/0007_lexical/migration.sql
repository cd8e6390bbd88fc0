-- The words of items, for searches by word (docs/decisions/0016-lexical-evidence.md).
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Null: written by a version without words; src/catalog/words fills these rows.
ALTER TABLE "item" ADD COLUMN "lexemes" TSVECTOR;
-- Without a list of pending entries, which every search would have to scan.
CREATE INDEX "item_lexemes_idx" ON "item" USING GIN ("lexemes") WITH (fastupdate = off);
CREATE INDEX "item_without_lexemes_idx" ON "item" ("id") WHERE "lexemes" IS NULL;

-- Every lexeme that an item has or had. The row of the empty word holds the number of items.
CREATE TABLE "word" (
  "word" TEXT COLLATE "C" NOT NULL,
  -- Items that have it, as of the last count; null if it is newer.
  "documents" INTEGER,
  -- ASCII letters by which similar words are found; null for a lexeme that only matches exactly.
  "spelling" TEXT COLLATE "C",
  CONSTRAINT "word_pkey" PRIMARY KEY ("word")
);
CREATE INDEX "word_spelling_idx" ON "word" USING GIN ("spelling" gin_trgm_ops) WITH (fastupdate = off);
