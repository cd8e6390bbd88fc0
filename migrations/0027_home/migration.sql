-- What decides the shard of a row on a distributed database: of items in a pair the pair's id, of others their own (docs/decisions/0043-homes.md).
-- Everywhere else it is null, which takes no room.
ALTER TABLE "pair" ADD COLUMN "home" UUID;
ALTER TABLE "item" ADD COLUMN "home" UUID;
ALTER TABLE "item_class" ADD COLUMN "home" UUID;
ALTER TABLE "feature" ADD COLUMN "home" UUID;
ALTER TABLE "embedding" ADD COLUMN "home" UUID;
