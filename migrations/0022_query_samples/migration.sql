-- Bounded samples of what an encoder is asked (src/catalog/vectors/query-samples.ts; docs/decisions/0036-drift.md): the embedding of a query
-- and the similarity of its best hit, without its text. `reference`: the same of items of the training set.
CREATE TABLE "vectors"."query_sample" (
  "encoder_id" UUID NOT NULL,
  "reference" BOOLEAN NOT NULL,
  "query" "modality" NOT NULL,
  "target" "modality" NOT NULL,
  "slot" INTEGER NOT NULL,
  "similarity" REAL NOT NULL,
  "vec" vector NOT NULL,
  "at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "query_sample_pkey" PRIMARY KEY ("encoder_id", "reference", "query", "target", "slot"),
  CONSTRAINT "query_sample_encoder_id_fkey" FOREIGN KEY ("encoder_id") REFERENCES "encoder" ("id") ON DELETE CASCADE
);
