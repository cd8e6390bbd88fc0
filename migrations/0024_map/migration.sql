-- Maps: the common space of an encoder in two dimensions (src/catalog/vectors/map-points.ts; docs/decisions/0038-map.md). A projection is
-- written under an id of its own and shown once it is complete, so that a reader never mixes two of them.
CREATE TABLE "vectors"."projection" (
  "id" UUID NOT NULL,
  "encoder_id" UUID NOT NULL,
  -- PCA or NEIGHBOURS.
  "layout" TEXT NOT NULL,
  -- Share of the variance in the principal plane.
  "explained" REAL NOT NULL,
  "points" INTEGER NOT NULL DEFAULT 0,
  "left" REAL NOT NULL DEFAULT 0,
  "right" REAL NOT NULL DEFAULT 0,
  "bottom" REAL NOT NULL DEFAULT 0,
  "top" REAL NOT NULL DEFAULT 0,
  "completed_at" TIMESTAMPTZ(3),
  CONSTRAINT "projection_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "projection_encoder_id_fkey" FOREIGN KEY ("encoder_id") REFERENCES "encoder" ("id") ON DELETE CASCADE
);
CREATE INDEX "projection_encoder_id_idx" ON "vectors"."projection" ("encoder_id");

CREATE TABLE "vectors"."projection_point" (
  "projection_id" UUID NOT NULL,
  "item_id" UUID NOT NULL,
  "x" REAL NOT NULL,
  "y" REAL NOT NULL,
  CONSTRAINT "projection_point_pkey" PRIMARY KEY ("projection_id", "item_id"),
  CONSTRAINT "projection_point_projection_id_fkey" FOREIGN KEY ("projection_id") REFERENCES "vectors"."projection" ("id") ON DELETE CASCADE,
  CONSTRAINT "projection_point_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "item" ("id") ON DELETE CASCADE
);
CREATE INDEX "projection_point_item_id_idx" ON "vectors"."projection_point" ("item_id");
