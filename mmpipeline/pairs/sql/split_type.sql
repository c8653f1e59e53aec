-- Splits as a type; their order here is their order in the pair table.
CREATE TYPE split_name AS ENUM ('train', 'val', 'test')
