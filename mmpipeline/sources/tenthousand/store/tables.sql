-- Crawl state of one store; state.py and photo_table.py say what the columns mean.
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS responses (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL, status INTEGER NOT NULL,
    fetched_at TEXT NOT NULL, sha256 TEXT NOT NULL,
    segment TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS pages (
    number INTEGER PRIMARY KEY, status TEXT NOT NULL DEFAULT 'todo', reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, joined INTEGER NOT NULL DEFAULT 0,
    first_seen TEXT, checked_at TEXT, etag TEXT, last_modified TEXT,
    response_id INTEGER REFERENCES responses (id), content_hash TEXT,
    read_response_id INTEGER REFERENCES responses (id),
    views INTEGER, reviews INTEGER);
CREATE INDEX IF NOT EXISTS pages_by_status ON pages (status, number);
CREATE INDEX IF NOT EXISTS pages_by_check ON pages (status, checked_at);
CREATE TABLE IF NOT EXISTS history (
    number INTEGER NOT NULL, content_hash TEXT, status TEXT NOT NULL, seen_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS listings (
    number INTEGER NOT NULL, list TEXT NOT NULL, PRIMARY KEY (number, list)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS photos (
    url TEXT PRIMARY KEY, status TEXT NOT NULL DEFAULT 'todo', reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, sha256 TEXT, file TEXT,
    width INTEGER, height INTEGER, bytes INTEGER, fetched_at TEXT);
CREATE INDEX IF NOT EXISTS photos_by_status ON photos (status);
CREATE TABLE IF NOT EXISTS recipe_photos (
    number INTEGER NOT NULL, url TEXT NOT NULL, PRIMARY KEY (number, url)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recipes_by_photo ON recipe_photos (url);
