/** Tables and migrations. */
import type { DatabaseSync } from "node:sqlite"
import { provideFingerprint } from "./log-index/GidIndex.ts"

/**
 * Step n migrates version n - 1 to version n. Released steps never change; new ones are appended.
 *
 * - Times are milliseconds since 1970, truth values 0 and 1, lists and attributes JSON.
 * - `chats` has no head: it would change with every message, and is read from the log.
 * - `log` has no index over (chat, seq) or gids, so that a message changes only the page at the log's end. The tables
 *   `log_by_chat` and `log_by_gid` are these indexes, updated in bulk: the first has exactly the entries with ids up to
 *   `log_indexed.upto`, the second all messages up to `log_indexed.gids` and some later ones. Ids ascend; no entry is
 *   ever removed.
 * - `log_by_gid.fingerprint` may be shared by several gids (see `GidIndex`).
 * - `log.origin` is the device of an entry; `places` holds the cursors.
 * - `log.posted` counts the messages up to an entry. It never decreases along `seq`, so message number n of a chat is
 *   found by binary search over (chat, seq), without a further index.
 * - `log.content` is a message's content, or a change of facts as JSON.
 * - `members.nth` orders members who joined by the same entry.
 * - `users.since` is an object of the newest sequence of each system chat, by chat id.
 * - `changes` is the journal; `change` is a `Change` of the core as JSON.
 * - `users.session_epoch` counts how often all sessions of the user were ended together.
 */
export const migrations: ReadonlyArray<string> = [
  `
  CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL UNIQUE,
    realname TEXT NOT NULL,
    avatar TEXT NOT NULL,
    role TEXT NOT NULL,
    dept INTEGER NOT NULL,
    admin INTEGER NOT NULL,
    organisation INTEGER,
    disabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    password TEXT,
    settings TEXT
  ) STRICT;

  CREATE TABLE chats (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    gid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    public INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    created_by INTEGER REFERENCES users (id),
    owner INTEGER REFERENCES users (id),
    admins TEXT NOT NULL,
    committers TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    edited_by INTEGER REFERENCES users (id),
    edited_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    dissolved INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX chats_public ON chats (id) WHERE public = 1 AND dissolved = 0;
  CREATE INDEX chats_system ON chats (id) WHERE type = 'system' AND dissolved = 0;

  CREATE TABLE members (
    chat INTEGER NOT NULL REFERENCES chats (id),
    user INTEGER NOT NULL REFERENCES users (id),
    joined_at INTEGER NOT NULL,
    join_seq INTEGER NOT NULL,
    nth INTEGER NOT NULL,
    PRIMARY KEY (chat, user)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX members_by_user ON members (user);

  CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    chat INTEGER NOT NULL REFERENCES chats (id),
    seq INTEGER NOT NULL,
    posted INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author INTEGER REFERENCES users (id),
    origin TEXT,
    kind TEXT NOT NULL,
    gid TEXT,
    target INTEGER REFERENCES log (id),
    type TEXT,
    content_type TEXT,
    content TEXT,
    date INTEGER,
    UNIQUE (chat, seq)
  ) STRICT;
  CREATE UNIQUE INDEX log_by_gid ON log (gid) WHERE gid IS NOT NULL;
  CREATE INDEX log_by_target ON log (target) WHERE target IS NOT NULL;

  CREATE TABLE places (
    chat INTEGER NOT NULL REFERENCES chats (id),
    user INTEGER NOT NULL REFERENCES users (id),
    device TEXT NOT NULL,
    pushed INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    acked TEXT NOT NULL,
    read INTEGER NOT NULL,
    PRIMARY KEY (chat, user, device)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX places_by_device ON places (user, device);

  CREATE TABLE preferences (
    user INTEGER NOT NULL REFERENCES users (id),
    chat INTEGER NOT NULL REFERENCES chats (id),
    star INTEGER NOT NULL,
    hide INTEGER NOT NULL,
    mute INTEGER NOT NULL,
    PRIMARY KEY (user, chat)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE hidden_messages (
    user INTEGER NOT NULL REFERENCES users (id),
    message INTEGER NOT NULL REFERENCES log (id),
    PRIMARY KEY (user, message)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_user ON sessions (user);

  CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat INTEGER NOT NULL REFERENCES chats (id),
    title TEXT NOT NULL,
    size INTEGER NOT NULL,
    added_by INTEGER NOT NULL REFERENCES users (id),
    at INTEGER NOT NULL,
    blob TEXT NOT NULL
  ) STRICT;
  CREATE INDEX files_by_chat ON files (chat);

  CREATE TABLE records (
    dialect TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (dialect, kind, key)
  ) STRICT, WITHOUT ROWID;
  `,
  // A table constraint can only be dropped with the table. References to `log` by name hold again after the rename: https://sqlite.org/lang_altertable.html#otheralter
  `
  CREATE TABLE log_rebuilt (
    id INTEGER PRIMARY KEY,
    chat INTEGER NOT NULL REFERENCES chats (id),
    seq INTEGER NOT NULL,
    posted INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author INTEGER REFERENCES users (id),
    origin TEXT,
    kind TEXT NOT NULL,
    gid TEXT,
    target INTEGER REFERENCES log (id),
    type TEXT,
    content_type TEXT,
    content TEXT,
    date INTEGER
  ) STRICT;
  INSERT INTO log_rebuilt SELECT * FROM log;
  DROP TABLE log;
  ALTER TABLE log_rebuilt RENAME TO log;
  CREATE INDEX log_by_target ON log (target) WHERE target IS NOT NULL;

  CREATE TABLE log_by_chat (
    chat INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (chat, seq)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO log_by_chat SELECT chat, seq, id FROM log ORDER BY chat, seq;

  CREATE TABLE log_by_gid (
    gid TEXT PRIMARY KEY,
    id INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO log_by_gid SELECT gid, id FROM log WHERE gid IS NOT NULL ORDER BY gid;

  CREATE TABLE log_indexed (upto INTEGER NOT NULL) STRICT;
  INSERT INTO log_indexed SELECT coalesce(max(id), 0) FROM log;
  `,
  `
  DROP TABLE log_by_gid;
  CREATE TABLE log_by_gid (
    fingerprint INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO log_by_gid
    SELECT fingerprint(gid), id FROM log
    WHERE gid IS NOT NULL AND id <= (SELECT upto FROM log_indexed) ORDER BY 1, 2;
  ALTER TABLE log_indexed ADD COLUMN gids INTEGER NOT NULL DEFAULT 0;
  UPDATE log_indexed SET gids = upto;
  `,
  "ALTER TABLE users ADD COLUMN session_epoch INTEGER NOT NULL DEFAULT 0;",
  // `CASE`: the planner may reorder the terms of an AND, and the content of a message may be any text.
  `
  ALTER TABLE chats RENAME COLUMN committers TO senders;
  UPDATE log
    SET content = json_set(json_remove(content, '$.committers'), '$.senders', json(content -> '$.committers'))
    WHERE CASE kind WHEN 'Changed' THEN json_type(content, '$.committers') IS NOT NULL END;
  `,
  // `since` was the newest entry of the store.
  `
  CREATE TABLE changes (id INTEGER PRIMARY KEY, change TEXT NOT NULL) STRICT;

  CREATE TABLE system_log AS
    SELECT chat, id, seq FROM log_by_chat WHERE chat IN (SELECT id FROM chats WHERE type = 'system')
    UNION ALL
    SELECT chat, id, seq FROM log
    WHERE id > (SELECT upto FROM log_indexed) AND chat IN (SELECT id FROM chats WHERE type = 'system');
  CREATE INDEX system_log_by_id ON system_log (chat, id);
  ALTER TABLE users RENAME COLUMN since TO since_entry;
  ALTER TABLE users ADD COLUMN since TEXT NOT NULL DEFAULT '{}';
  UPDATE users SET since = (
    SELECT json_group_object(chats.id, before.seq)
    FROM chats JOIN system_log AS before ON before.chat = chats.id
    WHERE chats.type = 'system' AND before.id = (
      SELECT max(newest.id) FROM system_log AS newest WHERE newest.chat = chats.id AND newest.id <= users.since_entry
    )
  );
  ALTER TABLE users DROP COLUMN since_entry;
  DROP TABLE system_log;
  `
]

/** "Prly" in ASCII: the application id of a Parley database. */
export const APPLICATION = 0x50726c79

export const pragma = (database: DatabaseSync, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])

/** Migrates the database to the newest version atomically. Returns the reason if it cannot. */
export const migrate = (database: DatabaseSync, steps: ReadonlyArray<string> = migrations): string | undefined => {
  // Enforced references would forbid dropping a table that is rebuilt. The pragma has no effect within a transaction.
  const enforcing = pragma(database, "foreign_keys")
  database.exec("PRAGMA foreign_keys = OFF")
  provideFingerprint(database)
  try {
    database.exec("BEGIN IMMEDIATE")
    const version = pragma(database, "user_version")
    const application = pragma(database, "application_id")
    const tables = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get()
    if (application !== APPLICATION && (application !== 0 || version !== 0 || tables !== undefined)) {
      return "it is the database of another program"
    }
    if (version > steps.length) {
      return `it has version ${version}, and this Parley supports versions up to ${steps.length}`
    }
    for (const step of steps.slice(version)) database.exec(step)
    database.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${steps.length}; COMMIT`)
    return undefined
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK")
    database.exec(`PRAGMA foreign_keys = ${enforcing}`)
  }
}
