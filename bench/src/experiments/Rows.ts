/** Number of rows that a message writes: with all members offline, in a small group and in a large one, and for acknowledgements. */
import { DatabaseSync } from "node:sqlite"
import type { Experiment, Found } from "../Experiment.ts"
import type { Seen, User } from "../generator/Plan.ts"
import { type Prepared, serve } from "../Prepared.ts"
import { ratio } from "../Ratio.ts"
import { generate } from "../Rounds.ts"
import { makeGroups, onDatabase } from "../Seed.ts"
import { fullStore, sizesOf } from "./FullStore.ts"

const MESSAGES = 200
/** The members who connect where acknowledgements are counted. */
const LISTENING = 10

interface Counted {
  readonly description: string
  readonly messages: number
  /** Rows that were written, by table, where any were. */
  readonly written: ReadonlyMap<string, number>
}

/** Lets the database itself count every row that is inserted, changed or removed. */
const watch = (file: string): void => {
  const database = new DatabaseSync(file)
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map(({ name }) => String(name))
  database.exec("CREATE TABLE bench_writes (name TEXT PRIMARY KEY, rows INTEGER NOT NULL) STRICT")
  for (const table of tables) {
    database.exec(`INSERT INTO bench_writes VALUES ('${table}', 0)`)
    for (const what of ["INSERT", "UPDATE", "DELETE"]) {
      database.exec(
        `CREATE TRIGGER bench_${what}_${table} AFTER ${what} ON "${table}" BEGIN UPDATE bench_writes SET rows = rows + 1 WHERE name = '${table}'; END`
      )
    }
  }
  database.close()
}

const writtenIn = (file: string): ReadonlyMap<string, number> => {
  const database = new DatabaseSync(file)
  try {
    const rows = database.prepare("SELECT name, rows FROM bench_writes").all()
    return new Map(rows.map(({ name, rows: count }): [string, number] => [String(name), Number(count)]))
  } finally {
    database.close()
  }
}

const count = async (
  prepared: Prepared,
  description: string,
  members: ReadonlyArray<User>,
  online: number,
  messages: number
): Promise<Counted> => {
  const file = prepared.copy("rows")
  const chat = { gid: "rows", members }
  await onDatabase(file, (store) => makeGroups(store, [chat]))
  watch(file)
  const play = async (many: number): Promise<Seen> => {
    const serving = await serve(0, file)
    try {
      return await generate(
        {
          task: "load",
          speech: "xuanxuan",
          shape: { chats: 1, members: members.length, online, senders: 1 },
          pace: { mode: "count", messages: many },
          warmUp: 0,
          duration: 0,
          users: [],
          made: [{ gid: chat.gid, members: members.slice(0, online) }]
        },
        serving
      )
    } finally {
      await serving.program.stop()
    }
  }
  // The first connection and the first message of a user write rows as well: that is done before.
  await play(1)
  const before = writtenIn(file)
  const { missing } = await play(messages)
  if (missing !== 0) throw new Error(`rows: ${missing} messages went missing`)
  const after = writtenIn(file)
  prepared.discard("rows")
  const written = Array.from(after, ([table, rows]): [string, number] => [table, rows - (before.get(table) ?? 0)])
  return { description, messages, written: new Map(written.filter(([, rows]) => rows > 0)) }
}

/** Beside the messages, the last cursor of the sender is written when they leave. */
const perMessage = ({ messages, written }: Counted): number => (written.get("log") ?? 0) / messages

const row = ({ description, messages, written }: Counted): ReadonlyArray<string> => {
  const others = Array.from(written, ([table, rows]) => `${table} ${rows}`)
  const each = (...tables: ReadonlyArray<string>): string =>
    (tables.reduce((sum, table) => sum + (written.get(table) ?? 0), 0) / messages).toFixed(2)
  return [
    description,
    String(messages),
    others.join(", "),
    perMessage({ description, messages, written }).toFixed(2),
    each("log_by_chat", "log_by_gid"),
    each("places")
  ]
}

/** Position of the log's indexes: written once for thousands of messages, or when the writer is idle. */
const MARK = "log_indexed"

export const rows: Experiment = {
  name: "rows",
  description:
    "rows written by a message to groups of 2 and of 100,000 with all others offline, and for acknowledgements",
  users: () => LISTENING,
  play: async (setting): Promise<Found> => {
    const full = await fullStore(setting, LISTENING)
    const messages = setting.quick ? 10 : MESSAGES
    const all = sizesOf(setting.quick).users
    const few = setting.prepared.users
    const counted = [
      await count(setting.prepared, "2 members, the other offline", few.slice(0, 2), 1, messages),
      await count(full, `${all} members, the others offline`, full.users, 1, messages),
      await count(setting.prepared, "2 members, both online", few.slice(0, 2), 2, messages),
      await count(setting.prepared, `${LISTENING} members, all online`, few.slice(0, LISTENING), LISTENING, messages)
    ]
    const [small, large] = counted
    const total = ({ written }: Counted): number =>
      Array.from(written).reduce((sum, [table, rows]) => (table === MARK ? sum : sum + rows), 0)
    return {
      ratios:
        small === undefined || large === undefined
          ? []
          : ratio(`rows: written per message, group of ${all} / group of 2, others offline`, 1, [
              total(large) / total(small)
            ]),
      tables: [
        {
          title: "Rows written",
          head: [
            "group",
            "messages",
            "rows written in all",
            "log, per message",
            "indexes, per message",
            "places, per message"
          ],
          body: counted.map(row),
          note: "Counted by triggers in the database: every inserted, updated or deleted row. Messages are sent one after the other. `log_by_chat` and `log_by_gid` are the deferred indexes of the log, with one entry each per message, written in bulk; `log_indexed` has their marks, written when they change. `places` has the cursors: acknowledged and pushed."
        }
      ],
      missing: []
    }
  }
}
