-- Brightness in 64 cells, one byte each, by which pictures with near perceptual hashes are compared: only then are they
-- copies (src/domain/picture-hash.ts; docs/decisions/0019-near-identical-pictures.md).
ALTER TABLE "item" ADD COLUMN "perceptual_detail" BYTEA;
-- Images that have a hash without the details get both again.
UPDATE "item" SET "perceptual_hash" = NULL WHERE "perceptual_hash" IS NOT NULL;
ALTER TABLE "item" ADD CONSTRAINT "item_perceptual_check" CHECK (("perceptual_hash" IS NULL) = ("perceptual_detail" IS NULL));
