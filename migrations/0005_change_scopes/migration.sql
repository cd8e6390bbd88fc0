-- Each change of vectors says in which partition it was, so that a copy of one partition stays of use while another is
-- filled: a new encoder's embeddings, or another extractor's features, beside those that searches compare
-- (src/catalog/vector-stamp.ts; docs/decisions/0006-search-in-memory.md). What is no partition has scope 0 and
-- concerns every copy.
ALTER TABLE "vectors"."change" ADD COLUMN "scope" OID NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION "vectors"."note_change"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope oid := CASE WHEN TG_TABLE_SCHEMA = 'vectors' THEN TG_RELID ELSE 0 END;
  noted text := COALESCE(current_setting('commonspace.changes_noted', true), '');
BEGIN
  -- Once in a transaction and scope. The setting ends with the transaction, and like the row it is undone with a savepoint.
  IF position(format('/%s/', scope) IN noted) = 0 THEN
    -- At random, so that a database put back to an earlier state does not come to the same sum by other changes.
    INSERT INTO vectors.change (scope, weight) VALUES (scope, 1 + floor(random() * 1048576)::bigint);
    PERFORM set_config('commonspace.changes_noted', format('%s/%s/', noted, scope), true);
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  RETURN NEW;
END $$;
