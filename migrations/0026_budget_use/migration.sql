-- When the budgets of a caller are whole again, over all servers (src/catalog/repositories/budget-uses.ts). A caller is the id of a key, or the
-- name that callers without one share. Servers write it once a second, so it is not in the write-ahead log.
CREATE UNLOGGED TABLE "budget_use" (
  "caller" TEXT NOT NULL,
  "cost_until" TIMESTAMPTZ NOT NULL,
  "bytes_until" TIMESTAMPTZ NOT NULL,
  CONSTRAINT "budget_use_pkey" PRIMARY KEY ("caller")
);
