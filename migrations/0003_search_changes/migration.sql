-- A number that changes with every committed change of what a search compares or shows. It lets a server keep a copy of
-- small tables in memory and know, in the statement that opens a search, whether the copy still is what the database
-- holds (src/catalog/vector-stamp.ts; docs/decisions/0006-search-in-memory.md).
--
-- Each writing transaction appends one row and nobody updates one, so writers never wait for each other. The sum of the
-- weights that a snapshot sees grows with each transaction it sees. Rows are folded into one of the same sum now and
-- then. The table stands beside the partitions, where Prisma does not look.
CREATE TABLE "vectors"."change" (
  "weight" BIGINT NOT NULL
);

CREATE FUNCTION "vectors"."note_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Once in a transaction. The setting ends with it, and like the row it is undone with a savepoint.
  IF current_setting('commonspace.change_noted', true) IS DISTINCT FROM 'yes' THEN
    -- At random, so that a database put back to an earlier state does not come to the same sum by other changes.
    INSERT INTO vectors.change (weight) VALUES (1 + floor(random() * 1048576)::bigint);
    PERFORM set_config('commonspace.change_noted', 'yes', true);
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  RETURN NEW;
END $$;

-- For each row: such triggers are cloned to every partition there is and will be, and fire however a row is reached,
-- by its partition's own name and by a cascade too.
CREATE TRIGGER "feature_change" BEFORE INSERT OR UPDATE OR DELETE ON "feature"
  FOR EACH ROW EXECUTE FUNCTION "vectors"."note_change"();
CREATE TRIGGER "embedding_change" BEFORE INSERT OR UPDATE OR DELETE ON "embedding"
  FOR EACH ROW EXECUTE FUNCTION "vectors"."note_change"();
CREATE TRIGGER "item_change" BEFORE INSERT OR UPDATE OR DELETE ON "item"
  FOR EACH ROW EXECUTE FUNCTION "vectors"."note_change"();
CREATE TRIGGER "item_class_change" BEFORE INSERT OR UPDATE OR DELETE ON "item_class"
  FOR EACH ROW EXECUTE FUNCTION "vectors"."note_change"();
-- A class that is new is nobody's yet.
CREATE TRIGGER "class_change" BEFORE UPDATE OR DELETE ON "class"
  FOR EACH ROW EXECUTE FUNCTION "vectors"."note_change"();

-- TRUNCATE empties without looking at rows, and takes everything that refers to them along. Emptying or dropping one
-- partition alone fires nothing: the file that holds it tells.
CREATE TRIGGER "feature_truncate" AFTER TRUNCATE ON "feature"
  FOR EACH STATEMENT EXECUTE FUNCTION "vectors"."note_change"();
CREATE TRIGGER "embedding_truncate" AFTER TRUNCATE ON "embedding"
  FOR EACH STATEMENT EXECUTE FUNCTION "vectors"."note_change"();
CREATE TRIGGER "item_truncate" AFTER TRUNCATE ON "item"
  FOR EACH STATEMENT EXECUTE FUNCTION "vectors"."note_change"();
CREATE TRIGGER "item_class_truncate" AFTER TRUNCATE ON "item_class"
  FOR EACH STATEMENT EXECUTE FUNCTION "vectors"."note_change"();
