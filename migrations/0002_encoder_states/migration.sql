-- An encoder's whole life is in its row: from a training that waits to the version that was retired. Values added to an
-- enum cannot be used in the transaction that adds them, and a migration is one: the type is made anew.

DROP INDEX "encoder_one_active_key";
ALTER TABLE "encoder" ALTER COLUMN "state" DROP DEFAULT;
ALTER TYPE "encoder_state" RENAME TO "encoder_state_before";
CREATE TYPE "encoder_state" AS ENUM
  ('queued', 'training', 'embedding', 'ready', 'active', 'retired', 'failed', 'cancelled');
ALTER TABLE "encoder" ALTER COLUMN "state" TYPE "encoder_state" USING "state"::text::"encoder_state";
ALTER TABLE "encoder" ALTER COLUMN "state" SET DEFAULT 'queued';
DROP TYPE "encoder_state_before";
CREATE UNIQUE INDEX "encoder_one_active_key" ON "encoder" ("state") WHERE "state" = 'active';

-- How wide the space is, is known once the training is done.
ALTER TABLE "encoder" ALTER COLUMN "dimension" DROP NOT NULL;

ALTER TABLE "encoder"
  -- What was asked for.
  ADD COLUMN "request" JSONB NOT NULL DEFAULT '{}',
  -- How far the work on it is, and why it failed.
  ADD COLUMN "progress" JSONB,
  ADD COLUMN "failure" JSONB,
  -- Who works on it: a number of that piece of work's own, the process, and when it was last heard of.
  ADD COLUMN "claim" UUID,
  ADD COLUMN "owner" JSONB,
  ADD COLUMN "heartbeat_at" TIMESTAMPTZ(3),
  ADD COLUMN "started_at" TIMESTAMPTZ(3),
  ADD COLUMN "finished_at" TIMESTAMPTZ(3),
  ADD COLUMN "retired_at" TIMESTAMPTZ(3);

UPDATE "encoder" SET "started_at" = "created_at", "finished_at" = "created_at",
  "retired_at" = CASE WHEN "state" = 'retired' THEN CURRENT_TIMESTAMP END;

ALTER TABLE "encoder"
  ADD CONSTRAINT "encoder_trained_check" CHECK
    ("dimension" IS NOT NULL OR "state" IN ('queued', 'training', 'failed', 'cancelled')),
  ADD CONSTRAINT "encoder_claim_check" CHECK
    ("claim" IS NULL OR ("state" IN ('training', 'embedding') AND "owner" IS NOT NULL AND "heartbeat_at" IS NOT NULL)),
  ADD CONSTRAINT "encoder_failure_check" CHECK (("failure" IS NOT NULL) = ("state" = 'failed'));
