-- The catalogue. prisma/schema.prisma describes the same tables; a test shows that the two agree.
-- What Prisma cannot say stands here alone: partitions, partial indexes, checks, and how vectors are stored.

CREATE EXTENSION IF NOT EXISTS vector;

-- Partitions have a schema of their own. Prisma would take those that are partitioned again for tables it does not know.
CREATE SCHEMA "vectors";

CREATE TYPE "modality" AS ENUM ('IMAGE', 'TEXT');
CREATE TYPE "encoder_state" AS ENUM ('ready', 'active', 'retired');

CREATE TABLE "pair" (
  "id" UUID NOT NULL,
  "key" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "pair_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "pair_key_key" ON "pair" ("key");

CREATE TABLE "item" (
  "id" UUID NOT NULL,
  "modality" "modality" NOT NULL,
  "external_id" TEXT,
  "title" TEXT,
  "text" TEXT,
  "language" TEXT,
  "content_hash" TEXT NOT NULL,
  "media_type" TEXT,
  "width" INTEGER,
  "height" INTEGER,
  "metadata" JSONB NOT NULL DEFAULT '{}',
  "pair_id" UUID,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "item_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "item_pair_id_fkey" FOREIGN KEY ("pair_id") REFERENCES "pair" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
  CONSTRAINT "item_content_check" CHECK (CASE "modality"
    WHEN 'IMAGE' THEN "media_type" IS NOT NULL AND "width" > 0 AND "height" > 0 AND "text" IS NULL
    ELSE "text" IS NOT NULL AND "media_type" IS NULL END),
  CONSTRAINT "item_metadata_check" CHECK (jsonb_typeof("metadata") = 'object')
);
CREATE UNIQUE INDEX "item_external_id_key" ON "item" ("external_id");
-- An item without a key of its caller's is known by its content and its pair: the same again changes nothing.
CREATE UNIQUE INDEX "item_keyless_identity_key" ON "item" ("modality", "content_hash", "pair_id")
  NULLS NOT DISTINCT WHERE "external_id" IS NULL;
CREATE INDEX "item_created_at_id_idx" ON "item" ("created_at", "id");
CREATE INDEX "item_modality_id_idx" ON "item" ("modality", "id");
CREATE INDEX "item_pair_id_modality_id_idx" ON "item" ("pair_id", "modality", "id");
CREATE INDEX "item_content_hash_idx" ON "item" ("content_hash");
CREATE INDEX "item_metadata_idx" ON "item" USING GIN ("metadata" jsonb_path_ops);

-- Names are ordered by code point, so that a page of them ends at the same place on every server.
CREATE TABLE "class" (
  "id" UUID NOT NULL,
  "name" TEXT COLLATE "C" NOT NULL,
  "description" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "class_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "class_name_key" ON "class" ("name");

CREATE TABLE "item_class" (
  "item_id" UUID NOT NULL,
  "class_id" UUID NOT NULL,
  CONSTRAINT "item_class_pkey" PRIMARY KEY ("item_id", "class_id"),
  CONSTRAINT "item_class_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "item" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "item_class_class_id_fkey" FOREIGN KEY ("class_id") REFERENCES "class" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "item_class_class_id_item_id_idx" ON "item_class" ("class_id", "item_id");

CREATE TABLE "media" (
  "sha256" TEXT NOT NULL,
  "media_type" TEXT NOT NULL,
  "width" INTEGER NOT NULL,
  "height" INTEGER NOT NULL,
  "bytes" INTEGER NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "media_pkey" PRIMARY KEY ("sha256")
);

-- A partition for each extractor, made when its first feature comes (src/catalog/vector-tables.ts), so that a scan over
-- one extractor's features reads nothing else. Vectors stay in the row as long as it fits a page: see there.
CREATE TABLE "feature" (
  "item_id" UUID NOT NULL,
  "extractor" TEXT NOT NULL,
  "vec" vector NOT NULL,
  CONSTRAINT "feature_pkey" PRIMARY KEY ("item_id", "extractor"),
  CONSTRAINT "feature_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "item" ("id") ON DELETE CASCADE ON UPDATE CASCADE
) PARTITION BY LIST ("extractor");

CREATE TABLE "class_feature" (
  "class_id" UUID NOT NULL,
  "extractor" TEXT NOT NULL,
  "vec" vector NOT NULL,
  CONSTRAINT "class_feature_pkey" PRIMARY KEY ("class_id", "extractor"),
  CONSTRAINT "class_feature_class_id_fkey" FOREIGN KEY ("class_id") REFERENCES "class" ("id") ON DELETE CASCADE ON UPDATE CASCADE
) WITH (toast_tuple_target = 8160);

CREATE TABLE "encoder" (
  "id" UUID NOT NULL,
  "state" "encoder_state" NOT NULL DEFAULT 'ready',
  "dimension" INTEGER NOT NULL,
  "image_extractor" TEXT NOT NULL,
  "text_extractor" TEXT NOT NULL,
  "config" JSONB NOT NULL DEFAULT '{}',
  "report" JSONB NOT NULL DEFAULT '{}',
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "activated_at" TIMESTAMPTZ(3),
  CONSTRAINT "encoder_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "encoder_dimension_check" CHECK ("dimension" > 0)
);
CREATE UNIQUE INDEX "encoder_one_active_key" ON "encoder" ("state") WHERE "state" = 'active';

CREATE TABLE "encoder_weights" (
  "encoder_id" UUID NOT NULL,
  "bytes" BYTEA NOT NULL,
  "sha256" TEXT NOT NULL,
  CONSTRAINT "encoder_weights_pkey" PRIMARY KEY ("encoder_id"),
  CONSTRAINT "encoder_weights_encoder_id_fkey" FOREIGN KEY ("encoder_id") REFERENCES "encoder" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
-- Weights do not compress.
ALTER TABLE "encoder_weights" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;

-- A partition for each encoder and in it one for each modality, made with the encoder.
CREATE TABLE "embedding" (
  "encoder_id" UUID NOT NULL,
  "item_id" UUID NOT NULL,
  "modality" "modality" NOT NULL,
  "vec" vector NOT NULL,
  CONSTRAINT "embedding_pkey" PRIMARY KEY ("item_id", "encoder_id", "modality"),
  CONSTRAINT "embedding_encoder_id_fkey" FOREIGN KEY ("encoder_id") REFERENCES "encoder" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "embedding_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "item" ("id") ON DELETE CASCADE ON UPDATE CASCADE
) PARTITION BY LIST ("encoder_id");
