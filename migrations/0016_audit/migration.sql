-- Writes by the HTTP API: who, what, when.
CREATE TABLE "audit_entry" (
  "id" BIGSERIAL NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "caller" TEXT NOT NULL,
  "key_id" UUID,
  "action" TEXT NOT NULL,
  "detail" JSONB NOT NULL DEFAULT '{}',
  CONSTRAINT "audit_entry_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "audit_entry_at_idx" ON "audit_entry" ("at");

-- The secret that sessions and signed addresses of all servers on the database are signed with.
CREATE TABLE "server_secret" (
  "id" INTEGER NOT NULL DEFAULT 1,
  "secret" BYTEA NOT NULL,
  CONSTRAINT "server_secret_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "server_secret_one" CHECK ("id" = 1)
);
