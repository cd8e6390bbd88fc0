-- Items are listed by title, by code point. The index holds the start of a title, because an index entry may have a third
-- of a page at most; the rest is sorted (src/catalog/repositories/item-pages.ts).
CREATE INDEX "item_title_idx" ON "item" ((left("title", 200)) COLLATE "C", "id");

-- The perceptual hash of an image: near-identical images have hashes that differ in few of the 64 bits. Null for a text, and
-- for an image that has none yet (src/domain/perceptual-hash.ts; docs/decisions/0019-near-identical-pictures.md).
ALTER TABLE "item" ADD COLUMN "perceptual_hash" BIGINT;

-- Hashes that differ in at most three bits are equal in at least one of four bands of 16 bits.
CREATE INDEX "item_hash_band_0_idx" ON "item" (("perceptual_hash" & 65535)) WHERE "perceptual_hash" IS NOT NULL;
CREATE INDEX "item_hash_band_1_idx" ON "item" ((("perceptual_hash" >> 16) & 65535)) WHERE "perceptual_hash" IS NOT NULL;
CREATE INDEX "item_hash_band_2_idx" ON "item" ((("perceptual_hash" >> 32) & 65535)) WHERE "perceptual_hash" IS NOT NULL;
CREATE INDEX "item_hash_band_3_idx" ON "item" ((("perceptual_hash" >> 48) & 65535)) WHERE "perceptual_hash" IS NOT NULL;
-- The images that have no hash yet.
CREATE INDEX "item_without_hash_idx" ON "item" ("id") WHERE "modality" = 'IMAGE' AND "perceptual_hash" IS NULL;
