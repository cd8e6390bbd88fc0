-- Long work that goes on after its request, and that any server or worker does. The row is what callers see.
CREATE TABLE "job" (
  "id" UUID NOT NULL,
  "kind" TEXT NOT NULL,
  "state" TEXT NOT NULL DEFAULT 'queued',
  "parameters" JSONB NOT NULL,
  -- Inputs in all; null while it is not known.
  "total" INTEGER,
  "done" INTEGER NOT NULL DEFAULT 0,
  "failed" INTEGER NOT NULL DEFAULT 0,
  "skipped" INTEGER NOT NULL DEFAULT 0,
  -- Where it goes on. Written with the counts and the failures of the step before, in one transaction.
  "position" JSONB,
  -- Starts since the latest step.
  "attempts" INTEGER NOT NULL DEFAULT 0,
  -- Why it failed or waits, or what it did.
  "code" TEXT,
  "message" TEXT,
  "requested_by" TEXT NOT NULL,
  "key_id" UUID,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- A queued job is not started before.
  "run_after" TIMESTAMPTZ(3),
  "started_at" TIMESTAMPTZ(3),
  "finished_at" TIMESTAMPTZ(3),
  -- Who works on it, as on a training: see "encoder".
  "claim" UUID,
  "owner" JSONB,
  "heartbeat_at" TIMESTAMPTZ(3),
  CONSTRAINT "job_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "job_state_check" CHECK (CASE "state"
    WHEN 'running' THEN "claim" IS NOT NULL AND "owner" IS NOT NULL AND "heartbeat_at" IS NOT NULL
    WHEN 'queued' THEN "claim" IS NULL AND "finished_at" IS NULL
    WHEN 'succeeded' THEN "claim" IS NULL AND "finished_at" IS NOT NULL
    WHEN 'failed' THEN "claim" IS NULL AND "finished_at" IS NOT NULL
    WHEN 'cancelled' THEN "claim" IS NULL AND "finished_at" IS NOT NULL
    ELSE false END)
);
CREATE INDEX "job_created_at_id_idx" ON "job" ("created_at", "id");
CREATE INDEX "job_under_way_idx" ON "job" ("created_at", "id") WHERE "state" IN ('queued', 'running');

CREATE TABLE "job_failure" (
  "job_id" UUID NOT NULL,
  -- Of the input within the job, from 1.
  "ordinal" INTEGER NOT NULL,
  -- For people: a line, a file.
  "reference" TEXT NOT NULL,
  "code" TEXT NOT NULL,
  "message" TEXT NOT NULL,
  "input" JSONB,
  CONSTRAINT "job_failure_pkey" PRIMARY KEY ("job_id", "ordinal"),
  CONSTRAINT "job_failure_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "job" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
