-- The words of an item include its whole title. src/catalog/words writes the words of these rows again.
UPDATE "item" SET "lexemes" = NULL WHERE "title" IS NOT NULL;
