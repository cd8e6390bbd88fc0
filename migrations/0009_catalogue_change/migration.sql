-- The number of changes of items, classes and embeddings. Each writer adds to it after its commit, so what a server derives
-- from all of them is up to date while the number is the same (src/catalog/postgres/change-stamp.ts;
-- docs/decisions/0018-indexes-and-speed.md).
CREATE TABLE "vectors"."catalogue_change" (
  "only" BOOLEAN NOT NULL DEFAULT true,
  "count" BIGINT NOT NULL,
  CONSTRAINT "catalogue_change_pkey" PRIMARY KEY ("only"),
  CONSTRAINT "catalogue_change_only_check" CHECK ("only")
);
INSERT INTO "vectors"."catalogue_change" ("count") VALUES (0);
