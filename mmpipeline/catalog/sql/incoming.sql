-- The recipes of sources that differ from those of the catalogue before.
CREATE TABLE incoming AS SELECT recipe_id, door, row_hash FROM incoming_rows
