-- A text's letters and digits in lower case, one blank between words.
CREATE MACRO fold(value) AS trim(regexp_replace(lower(value), '[^\p{L}\p{M}\p{N}]+', ' ', 'g'));

-- A number in [0, 1) that depends on nothing but the seed, a purpose and a name.
CREATE MACRO share_of(seed, purpose, name) AS
    ('0x' || left(md5(concat_ws(':', seed, purpose, name)), 8))::UBIGINT / 4294967296.0
