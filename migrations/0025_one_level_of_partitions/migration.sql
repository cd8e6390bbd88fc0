-- The tables that a distributed Postgres is to hold (docs/decisions/0042-distributed-postgres.md): embeddings are partitioned on one level,
-- and foreign keys do nothing on an update. Ids never change. The partitions themselves, with their rows and indexes, stay.
ALTER TABLE "embedding" RENAME TO "embedding_by_encoder";
ALTER INDEX "embedding_pkey" RENAME TO "embedding_by_encoder_pkey";

-- An encoder is removed with its partitions, so it needs no foreign key.
CREATE TABLE "embedding" (
  "encoder_id" UUID NOT NULL,
  "item_id" UUID NOT NULL,
  "modality" "modality" NOT NULL,
  "vec" vector NOT NULL,
  CONSTRAINT "embedding_pkey" PRIMARY KEY ("item_id", "encoder_id", "modality"),
  CONSTRAINT "embedding_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "item" ("id") ON DELETE CASCADE
) PARTITION BY RANGE ("encoder_id", "modality");

DO $$
DECLARE
  upper_level regclass;
  leaf regclass;
  encoder uuid;
  key name;
BEGIN
  FOR upper_level IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'embedding_by_encoder'::regclass LOOP
    encoder := substring(upper_level::text FROM '[0-9a-f]{32}')::uuid;
    FOR leaf IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = upper_level LOOP
      EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', upper_level, leaf);
      FOR key IN SELECT conname FROM pg_constraint WHERE conrelid = leaf AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', leaf, key);
      END LOOP;
      IF leaf::text LIKE '%\_image' THEN
        EXECUTE format('ALTER TABLE embedding ATTACH PARTITION %s FOR VALUES FROM (%L, ''IMAGE'') TO (%L, ''TEXT'')', leaf, encoder, encoder);
      ELSE
        EXECUTE format('ALTER TABLE embedding ATTACH PARTITION %s FOR VALUES FROM (%L, ''TEXT'') TO (%L, MAXVALUE)', leaf, encoder, encoder);
      END IF;
    END LOOP;
    EXECUTE format('DROP TABLE %s', upper_level);
    -- A server of the version before, which may still run, reads an encoder's embeddings by this name.
    EXECUTE format('CREATE VIEW %s AS SELECT * FROM embedding WHERE encoder_id = %L',
      'vectors.embedding_' || replace(encoder::text, '-', ''), encoder);
  END LOOP;
END $$;
DROP TABLE "embedding_by_encoder";

ALTER TABLE "item" DROP CONSTRAINT "item_pair_id_fkey",
  ADD CONSTRAINT "item_pair_id_fkey" FOREIGN KEY ("pair_id") REFERENCES "pair" ("id") ON DELETE SET NULL;
ALTER TABLE "item_class" DROP CONSTRAINT "item_class_item_id_fkey", DROP CONSTRAINT "item_class_class_id_fkey",
  ADD CONSTRAINT "item_class_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "item" ("id") ON DELETE CASCADE,
  ADD CONSTRAINT "item_class_class_id_fkey" FOREIGN KEY ("class_id") REFERENCES "class" ("id") ON DELETE CASCADE;
ALTER TABLE "feature" DROP CONSTRAINT "feature_item_id_fkey";
ALTER TABLE "feature" ADD CONSTRAINT "feature_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "item" ("id") ON DELETE CASCADE;
ALTER TABLE "class_feature" DROP CONSTRAINT "class_feature_class_id_fkey",
  ADD CONSTRAINT "class_feature_class_id_fkey" FOREIGN KEY ("class_id") REFERENCES "class" ("id") ON DELETE CASCADE;

-- Points of a map belong to tables of one server. Those of an item are removed with it by the catalogue.
ALTER TABLE "vectors"."projection_point" DROP CONSTRAINT "projection_point_item_id_fkey";
