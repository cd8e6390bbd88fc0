-- The figures of each epoch of a training, so that its curves can be drawn at any time (src/catalog/repositories/encoder-epochs.ts).
CREATE TABLE "encoder_epoch" (
  "encoder_id" UUID NOT NULL,
  "epoch" INTEGER NOT NULL,
  "figures" JSONB NOT NULL,
  CONSTRAINT "encoder_epoch_pkey" PRIMARY KEY ("encoder_id", "epoch"),
  CONSTRAINT "encoder_epoch_encoder_id_fkey" FOREIGN KEY ("encoder_id") REFERENCES "encoder" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
