-- What a key may use in a minute. NULL: the default of the configuration. 0: without a limit.
ALTER TABLE "api_key" ADD COLUMN "cost_per_minute" BIGINT;
ALTER TABLE "api_key" ADD COLUMN "bytes_per_minute" BIGINT;
