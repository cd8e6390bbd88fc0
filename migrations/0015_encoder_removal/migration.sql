-- When the removal of an encoder began. It is no longer shown, and its partitions and its row are dropped once no statement
-- uses the tables (src/catalog/repositories/encoders.ts).
ALTER TABLE "encoder" ADD COLUMN "removed_at" TIMESTAMPTZ(3);
