-- The whole state of a gallery, as plain SQLite: `sqlite3 new.db < schema.sql` works.
-- The same text, through a mapping of column types, is the PostgreSQL schema; therefore the
-- words that name column types stand in column definitions only, and there are no triggers.
-- Times are milliseconds since 1970 (UTC), flags are 0 or 1, lengths are pixels, positions 10^-7
-- degrees. Statements between the marks of SQLite have another form in PostgreSQL.

-- The accounts of people. In open mode the only row is the built-in owner.
CREATE TABLE account (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

-- The directories that are served. name is the first component of their paths, '' without a name.
-- Each transaction that changes items updates the counts, so that no reader counts items.
CREATE TABLE root (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  directory TEXT NOT NULL,
  item_count INTEGER NOT NULL DEFAULT 0,
  missing_count INTEGER NOT NULL DEFAULT 0,
  last_scan INTEGER,
  problems TEXT NOT NULL DEFAULT '[]',
  first_scan INTEGER
) STRICT;

-- missing_since is 0 while a folder or item is on the disk, otherwise the time when it was found
-- missing. A renamed folder is recognised by inode and modified_at (microseconds). digest is that
-- of the listing with which the items of the folder agree, NULL as soon as one of them changes.
-- item_count is the number of present items directly inside; each change updates it.
CREATE TABLE folder (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  root_id INTEGER NOT NULL REFERENCES root (id),
  path TEXT NOT NULL UNIQUE,
  parent TEXT,
  missing_since INTEGER NOT NULL DEFAULT 0,
  inode INTEGER,
  modified_at INTEGER,
  digest TEXT,
  item_count INTEGER NOT NULL DEFAULT 0
) STRICT;

-- store.library.folders.children: the folders directly inside another
CREATE INDEX folder_children ON folder (parent);
-- store.library.folders.digests: the folders of a root
CREATE INDEX folder_root ON folder (root_id);
-- store.library.folders.by_inodes: the former places of a folder that was renamed
CREATE INDEX folder_inode ON folder (inode);
-- store.library.folders.inside: the number of items in a folder or below it
CREATE INDEX folder_count ON folder (path, item_count);

-- The names of cameras, lenses and keywords, in the spelling that came first. key is equal for two
-- spellings of one name.
CREATE TABLE label (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('camera', 'lens', 'keyword')),
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  UNIQUE (kind, key)
) STRICT;

-- modified_at is in microseconds: a change is any difference, and milliseconds would hide some.
-- settled_at is when a scan last found a new size, modified_at or sidecar: the file is read once it
-- does not change any more. fingerprint is 128 bits of a SHA-256 over size, first and last 64 KiB.
-- replaced_… describe the former file of the item, which another file has replaced: it may only
-- have moved. sidecar changes whenever the XMP files beside the file do, 0 without any.
-- Reading the file sets width to problem, probed_at, fingerprint, and taken_at to keywords.
-- taken_at, taken_local and taken_month always have a value, so that items can be sorted: at first
-- the time of the file, with taken_source NULL. taken_local is the time of a clock at that place as
-- if it were UTC, taken_month its month as 202507, taken_offset is in minutes. exposure is in
-- nanoseconds, aperture in thousandths, focal_length in micrometres, altitude in millimetres;
-- x, y, z are the position as a unit vector in 10^-9. keywords is a JSON array in the original
-- spelling.
-- drawn_at is when the item was rendered; if thumbhash is NULL then, no thumbnail can be made.
-- read_tries counts how often reading of the present file began. It is written before the file is
-- opened, and is 0 again once the file was read, so that a file that crashes the server is known.
CREATE TABLE item (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  root_id INTEGER NOT NULL REFERENCES root (id),
  folder_id INTEGER NOT NULL REFERENCES folder (id),
  path TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('image', 'video')),
  size INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  width INTEGER,
  height INTEGER,
  duration INTEGER,
  problem TEXT,
  added_at INTEGER NOT NULL,
  missing_since INTEGER NOT NULL DEFAULT 0,
  probed_at INTEGER,
  settled_at INTEGER NOT NULL DEFAULT 0,
  fingerprint TEXT,
  replaced_inode INTEGER,
  replaced_size INTEGER,
  replaced_modified_at INTEGER,
  sort_name TEXT NOT NULL DEFAULT '',
  stem TEXT NOT NULL DEFAULT '',
  extension TEXT NOT NULL DEFAULT '',
  sidecar INTEGER NOT NULL DEFAULT 0,
  taken_at INTEGER NOT NULL DEFAULT 0,
  taken_local INTEGER NOT NULL DEFAULT 0,
  taken_month INTEGER NOT NULL DEFAULT 0,
  taken_offset INTEGER,
  taken_source TEXT,
  rating INTEGER NOT NULL DEFAULT 0,
  camera_id INTEGER REFERENCES label (id),
  lens_id INTEGER REFERENCES label (id),
  exposure INTEGER,
  aperture INTEGER,
  iso INTEGER,
  focal_length INTEGER,
  latitude INTEGER,
  longitude INTEGER,
  altitude INTEGER,
  x INTEGER,
  y INTEGER,
  z INTEGER,
  title TEXT,
  caption TEXT,
  keywords TEXT,
  thumbhash TEXT,
  drawn_at INTEGER,
  read_tries INTEGER NOT NULL DEFAULT 0
) STRICT;

-- store.library.items.by_paths, store.collections.members.memberships, store.sync.files.count_below;
-- and the rule that a path is unique among the items that are present (missing_since = 0)
CREATE UNIQUE INDEX item_path ON item (path, missing_since);
-- store.sync.files.in_folders: the items of the folders that a scan has just listed;
-- store.library.browsing.page: a folder in natural order
CREATE INDEX item_folder ON item (folder_id, missing_since, sort_name, id);
-- store.library.items.PAIRED_WITH: the RAW file, or the clip, beside an image
CREATE INDEX item_stem ON item (folder_id, stem, missing_since, extension, duration);
-- store.library.browsing.page: all items by the time taken. It contains the columns of the most
-- frequent filters, so that an item that does not match is never looked up.
CREATE INDEX item_taken ON item (
  missing_since, taken_local, id, type, rating, camera_id, lens_id, extension, taken_month,
  folder_id, width, height, duration, size, taken_at, added_at, latitude);
-- store.library.browsing.page, in its other orders
CREATE INDEX item_name ON item (missing_since, sort_name, id);
-- the same
CREATE INDEX item_added ON item (missing_since, added_at, id);
-- the same
CREATE INDEX item_modified ON item (missing_since, modified_at, id);
-- the same
CREATE INDEX item_size ON item (missing_since, size, id);
-- the same
CREATE INDEX item_rating ON item (missing_since, rating, id);
-- store.library.browsing: the items of a camera, when they are few
CREATE INDEX item_camera ON item (camera_id) WHERE camera_id IS NOT NULL;
-- store.library.browsing: the items of a lens, when they are few
CREATE INDEX item_lens ON item (lens_id) WHERE lens_id IS NOT NULL;
-- store.library.browsing: the items near a place
CREATE INDEX item_latitude ON item (latitude, x, y, z) WHERE latitude IS NOT NULL;
-- store.sync.unread.ready, store.sync.unread.tried: the items that wait to be read, usually few
CREATE INDEX item_unprobed ON item (root_id, read_tries, id)
  WHERE probed_at IS NULL AND missing_since = 0;
-- store.pictures.thumbnails.waiting: the items that wait to be rendered, newest first
CREATE INDEX item_undrawn ON item (root_id, taken_local, id)
  WHERE drawn_at IS NULL AND problem IS NULL AND probed_at IS NOT NULL AND missing_since = 0;
-- store.library.problems: the items that could not be opened, read or rendered
CREATE INDEX item_problem ON item (root_id, missing_since, path) WHERE problem IS NOT NULL;
-- store.sync.files.by_inodes: the former places of a file that was renamed
CREATE INDEX item_inode ON item (inode, missing_since);
-- store.sync.files.by_inodes: the place of a file that another file has replaced
CREATE INDEX item_replaced ON item (replaced_inode) WHERE replaced_inode IS NOT NULL;
-- store.sync.moves.lookalikes: items with the same bytes, after a move that keeps no inode
CREATE INDEX item_fingerprint ON item (fingerprint, missing_since);
-- store.sync.files.forgettable: the items that have been missing for a long time
CREATE INDEX item_missing ON item (root_id, missing_since) WHERE missing_since <> 0;

-- Each level of a hierarchical keyword has a row: Places, Places/Europe, Places/Europe/Paris.
CREATE TABLE item_keyword (
  keyword_id INTEGER NOT NULL REFERENCES label (id),
  item_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
  PRIMARY KEY (keyword_id, item_id)
) STRICT, WITHOUT ROWID;

-- store.sync.metadata.store: the keywords of an item
CREATE INDEX item_keyword_item ON item_keyword (item_id);

-- SQLite only
-- The words by which an item is found, as values.words splits them, separated by single spaces.
CREATE VIRTUAL TABLE item_words USING fts5 (
  name_words, text_words, tokenize = 'ascii', detail = 'none', columnsize = 0, prefix = '1 2 3');
-- end of SQLite only

-- version counts changes by people (If-Match), revision changes of the members by the disk. Both
-- are in the entity tag. Each change of members updates item_count.
CREATE TABLE collection (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner_id INTEGER NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  folder_path TEXT,
  cover_item_id INTEGER REFERENCES item (id),
  item_count INTEGER NOT NULL,
  is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
  is_favorite INTEGER NOT NULL CHECK (is_favorite IN (0, 1)),
  version INTEGER NOT NULL DEFAULT 1,
  revision INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (owner_id, name_key)
) STRICT;

-- store.collections.collections.visible: a person's own collections, newest first
CREATE INDEX collection_owner ON collection (owner_id, updated_at);
-- store.collections.collections.visible: the public collections of all owners
CREATE INDEX collection_public ON collection (is_public, updated_at) WHERE is_public = 1;
-- the reference above, when an item is purged
CREATE INDEX collection_cover ON collection (cover_item_id);

CREATE TABLE collection_item (
  collection_id INTEGER NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
  item_id INTEGER NOT NULL REFERENCES item (id),
  position INTEGER NOT NULL,
  PRIMARY KEY (collection_id, item_id)
) STRICT, WITHOUT ROWID;

-- store.collections.members.part, store.collections.members.next_after: the members in order
CREATE INDEX collection_item_order ON collection_item (collection_id, position);
-- store.collections.members.memberships, store.collections.collections.touch: the collections of an item
CREATE INDEX collection_item_item ON collection_item (item_id, collection_id);

-- The marks of one account, which no other account sees.
CREATE TABLE item_mark (
  account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  item_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
  is_favorite INTEGER NOT NULL CHECK (is_favorite IN (0, 1)),
  PRIMARY KEY (account_id, item_id)
) STRICT, WITHOUT ROWID;

-- the reference above, when an item is purged
CREATE INDEX item_mark_item ON item_mark (item_id);

-- Work that only one server does at a time. The term increases whenever the lease is taken, so that
-- a former holder that is still running cannot be confused with the present one.
CREATE TABLE lease (
  name TEXT NOT NULL,
  holder TEXT NOT NULL,
  term INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
