-- What an evaluation of an encoder came to, with its curves and classes. Apart from the encoder's own row, which every
-- search reads. One for each encoder: a new one takes the place of the one before when it is done.
CREATE TABLE "encoder_evaluation" (
  "encoder_id" UUID NOT NULL,
  "state" TEXT NOT NULL,
  -- Of the latest that came to its end.
  "record" JSONB,
  "failure" JSONB,
  -- Who works on it, as on a training: see "encoder".
  "claim" UUID,
  "owner" JSONB,
  "heartbeat_at" TIMESTAMPTZ(3),
  "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "finished_at" TIMESTAMPTZ(3),
  CONSTRAINT "encoder_evaluation_pkey" PRIMARY KEY ("encoder_id"),
  CONSTRAINT "encoder_evaluation_encoder_id_fkey" FOREIGN KEY ("encoder_id") REFERENCES "encoder" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "encoder_evaluation_state_check" CHECK (CASE "state"
    WHEN 'running' THEN "claim" IS NOT NULL AND "owner" IS NOT NULL AND "heartbeat_at" IS NOT NULL AND "failure" IS NULL
    WHEN 'done' THEN "claim" IS NULL AND "record" IS NOT NULL AND "failure" IS NULL
    WHEN 'failed' THEN "claim" IS NULL AND "failure" IS NOT NULL
    ELSE false END)
);
