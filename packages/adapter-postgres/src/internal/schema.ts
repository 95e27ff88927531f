/** Tables and migrations. */

/**
 * Step n migrates version n - 1 to version n. Released steps never change; new ones are appended.
 *
 * Nodes of the version before run on the migrated tables until they are replaced, so a step only adds: tables, columns with
 * a default, indexes. Superfluous columns are dropped by a step of a later release.
 *
 * - Times are milliseconds since 1970, lists and attributes JSON. Texts are escaped (see `values.ts`).
 * - `heads` is the row that a commit locks: the end of a chat's log, and the version of its facts. Nothing else of a chat
 *   changes with a message.
 * - Ids of entries are drawn from `entry_ids` while the head is locked, so they rise within a chat.
 * - `gids` makes the gids of messages unique. It is a table of its own because `log` is partitioned by chat.
 * - `log.posted` counts the messages up to an entry. It never decreases along `seq`, so message number n of a chat is
 *   found by binary search over (chat, seq), without a further index.
 * - `log.content` is a message's content, or a change of facts as JSON.
 * - `users.since` is an object of the newest sequence of each system chat, by chat id.
 * - `changes` is the journal; `change` is a `Change` of the core as JSON. `journal.dropped` is the id of the newest change that
 *   was dropped: ids have gaps.
 * - `nodes` and `node_presence` are empty after a crash of the server: the nodes fill them again.
 * - `nodes.facts` is a `NodeFacts` of the core as JSON.
 * - `members.nth` orders members who joined by the same entry.
 * - There are no foreign keys: a check would lock the row of the user and of the chat with every message. Commits look up
 *   what they refer to, and users, chats and entries are never removed.
 */
export const migrations: ReadonlyArray<ReadonlyArray<string>> = [
  [
    "CREATE SEQUENCE user_ids",
    "CREATE SEQUENCE chat_ids",
    "CREATE SEQUENCE entry_ids",
    "CREATE SEQUENCE file_ids",
    "CREATE SEQUENCE change_ids",
    "CREATE TABLE changes (id bigint PRIMARY KEY, change text NOT NULL)",
    "CREATE TABLE journal (dropped bigint NOT NULL)",
    "INSERT INTO journal (dropped) VALUES (0)",
    `CREATE UNLOGGED TABLE nodes (
      node text COLLATE "C" PRIMARY KEY,
      ends_at bigint NOT NULL,
      presence bigint NOT NULL
    )`,
    `CREATE UNLOGGED TABLE node_presence (
      node text COLLATE "C" NOT NULL,
      member bigint NOT NULL,
      status text NOT NULL,
      version bigint NOT NULL,
      event text,
      event_version bigint NOT NULL,
      PRIMARY KEY (node, member)
    )`,
    `CREATE TABLE users (
      id bigint PRIMARY KEY,
      account text COLLATE "C" NOT NULL UNIQUE,
      realname text NOT NULL,
      avatar text NOT NULL,
      role text NOT NULL,
      dept bigint NOT NULL,
      admin boolean NOT NULL,
      organisation bigint,
      disabled boolean NOT NULL,
      created_at bigint NOT NULL,
      since text NOT NULL,
      password text,
      settings text,
      session_epoch bigint NOT NULL DEFAULT 0
    )`,
    `CREATE TABLE chats (
      id bigint PRIMARY KEY,
      gid text COLLATE "C" NOT NULL UNIQUE,
      name text NOT NULL,
      type text COLLATE "C" NOT NULL,
      public boolean NOT NULL,
      subject bigint NOT NULL,
      created_by bigint,
      owner bigint,
      admins text NOT NULL,
      senders text NOT NULL,
      created_at bigint NOT NULL,
      edited_by bigint,
      edited_at bigint NOT NULL,
      attributes text NOT NULL,
      dissolved boolean NOT NULL
    )`,
    "CREATE INDEX chats_public ON chats (id) WHERE public AND NOT dissolved",
    "CREATE INDEX chats_system ON chats (id) WHERE type = 'system' AND NOT dissolved",
    `CREATE TABLE heads (
      chat bigint PRIMARY KEY,
      version bigint NOT NULL,
      seq bigint NOT NULL,
      posted bigint NOT NULL,
      active_at bigint NOT NULL
    ) WITH (fillfactor = 50)`,
    `CREATE TABLE members (
      chat bigint NOT NULL,
      member bigint NOT NULL,
      joined_at bigint NOT NULL,
      join_seq bigint NOT NULL,
      nth integer NOT NULL,
      PRIMARY KEY (chat, member)
    )`,
    "CREATE INDEX members_by_member ON members (member)",
    `CREATE TABLE log (
      id bigint NOT NULL,
      chat bigint NOT NULL,
      seq bigint NOT NULL,
      posted bigint NOT NULL,
      at bigint NOT NULL,
      date bigint,
      author bigint,
      target bigint,
      kind text COLLATE "C" NOT NULL,
      device text,
      gid text COLLATE "C",
      type text,
      content_type text,
      content text,
      PRIMARY KEY (chat, seq)
    ) PARTITION BY HASH (chat)`,
    ...Array.from(
      { length: 8 },
      (_, remainder) =>
        `CREATE TABLE log_${remainder} PARTITION OF log FOR VALUES WITH (MODULUS 8, REMAINDER ${remainder})`
    ),
    "CREATE INDEX log_by_id ON log (id)",
    "CREATE INDEX log_by_target ON log (chat, target) WHERE target IS NOT NULL",
    `CREATE TABLE gids (
      gid text COLLATE "C" PRIMARY KEY,
      chat bigint NOT NULL,
      id bigint NOT NULL
    )`,
    `CREATE TABLE cursors (
      chat bigint NOT NULL,
      member bigint NOT NULL,
      device text COLLATE "C" NOT NULL,
      pushed bigint NOT NULL,
      delivered bigint NOT NULL,
      acked text NOT NULL,
      read bigint NOT NULL,
      PRIMARY KEY (chat, member, device)
    ) WITH (fillfactor = 80)`,
    "CREATE INDEX cursors_by_device ON cursors (member, device)",
    `CREATE TABLE preferences (
      member bigint NOT NULL,
      chat bigint NOT NULL,
      star boolean NOT NULL,
      hide boolean NOT NULL,
      mute boolean NOT NULL,
      PRIMARY KEY (member, chat)
    )`,
    `CREATE TABLE hidden_messages (
      member bigint NOT NULL,
      message bigint NOT NULL,
      PRIMARY KEY (member, message)
    )`,
    `CREATE TABLE sessions (
      hash text COLLATE "C" PRIMARY KEY,
      member bigint NOT NULL,
      kind text NOT NULL,
      device text NOT NULL,
      created_at bigint NOT NULL,
      used_at bigint NOT NULL
    )`,
    "CREATE INDEX sessions_by_member ON sessions (member)",
    `CREATE TABLE files (
      id bigint PRIMARY KEY,
      chat bigint NOT NULL,
      title text NOT NULL,
      size bigint NOT NULL,
      added_by bigint NOT NULL,
      at bigint NOT NULL,
      blob text NOT NULL
    )`,
    "CREATE INDEX files_by_chat ON files (chat, id)",
    `CREATE TABLE records (
      dialect text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      key text COLLATE "C" NOT NULL,
      value text NOT NULL,
      PRIMARY KEY (dialect, kind, key)
    )`
  ],
  [
    "ALTER TABLE nodes ADD COLUMN facts text NOT NULL DEFAULT '{}'",
    "ALTER TABLE node_presence ADD COLUMN since bigint NOT NULL DEFAULT 0"
  ]
]

/** The version that this Parley migrates to. It also runs on the next one, which a newer Parley may have made. */
export const VERSION: number = migrations.length
