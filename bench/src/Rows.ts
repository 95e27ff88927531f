/** How many rows a message leaves in the database while nobody is there to get it, in a small group and in a large one. */
import { DatabaseSync } from "node:sqlite"
import type { Prepared } from "./Prepared.ts"
import { serve } from "./Prepared.ts"
import { generate } from "./Rounds.ts"

export interface Rows {
  readonly members: number
  readonly messages: number
  /** Rows that were added, by table, where any were. */
  readonly added: Readonly<Record<string, number>>
}

const counts = (file: string): ReadonlyMap<string, number> => {
  const database = new DatabaseSync(file)
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
    return new Map(
      tables.map(({ name }) => {
        const row = database.prepare(`SELECT count(*) AS rows FROM "${String(name)}"`).get()
        return [String(name), Number(row?.["rows"])]
      })
    )
  } finally {
    database.close()
  }
}

export const countRows = async (prepared: Prepared, members: number, messages: number): Promise<Rows> => {
  const file = prepared.copy(`rows-${members}`)
  const play = async (count: number): Promise<void> => {
    const serving = await serve(0, file)
    try {
      const { missing } = await generate(
        {
          speech: "xuanxuan",
          shape: { chats: 1, members, online: 1, senders: 1 },
          pace: { mode: "count", messages: count },
          warmUp: 0,
          duration: 0,
          users: prepared.users
        },
        serving
      )
      if (missing !== 0) throw new Error("messages to nobody went missing")
    } finally {
      await serving.program.stop()
    }
  }
  // Making the group leaves rows as well: that is done before, with one message, since the first leaves the sender's place.
  await play(1)
  const before = counts(file)
  await play(messages)
  const added = [...counts(file)].map(([table, rows]): [string, number] => [table, rows - (before.get(table) ?? 0)])
  return { members, messages, added: Object.fromEntries(added.filter(([, rows]) => rows !== 0)) }
}
