-- Searches rank in the database and hold no copies of tables in memory (docs/decisions/0013-search-in-the-database.md), so
-- nothing reads the record of changes. A write no longer fires row triggers, which a distributed table must not have.
-- CASCADE drops the triggers that use the function, those on the partitions included.
DROP FUNCTION "vectors"."note_change"() CASCADE;
DROP TABLE "vectors"."change";
