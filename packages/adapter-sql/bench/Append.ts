/**
 * Messages appended to the log by the writer's own code, in this thread: 64 in each transaction, on the
 * disk at its end, and indexed as the writer does it.
 */
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ChatId, UserId } from "@parley/core/Ids"
import type { WriteBatch } from "@parley/core/Store"
import { IndexScheduler, DEFAULT_POLICY } from "../src/internal/log-index/IndexScheduler.ts"
import { migrate } from "../src/internal/schema.ts"
import { Statements } from "../src/internal/Statements.ts"
import { Transactions } from "../src/internal/writer/Transactions.ts"
import type { MessageRow } from "../src/internal/writer/protocol.ts"

const CHATS = 100
const TOGETHER = 64
const CONTENT = "x".repeat(200)

const thrown = (cause: unknown): never => {
  throw cause
}

/** One turn is one message; each 64th of them waits for the disk. */
export const append = {
  description: `append: a message of 200 characters, ${TOGETHER} in a transaction with \`synchronous=FULL\``,
  make: () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-append-"))
    const database = new DatabaseSync(join(folder, "append.db"))
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
    migrate(database)
    const writer = new Transactions(new Statements(database))
    const indexing = new IndexScheduler(writer, DEFAULT_POLICY, { failed: thrown, rebuilt: thrown })
    const user = {
      account: "alice",
      realname: "",
      avatar: "",
      role: "",
      dept: 0,
      admin: false,
      organisation: null,
      disabled: false,
      createdAt: 0,
      password: null
    }
    const make = (...writes: WriteBatch["writes"]): void => {
      if (writer.commit([{ expectedVersions: [], writes }])._tag !== "Done") throw new Error("it could not be made")
    }
    make({ _tag: "CreateUser", user })
    const by = UserId(1)
    for (let index = 0; index < CHATS; index++) {
      const chat = {
        gid: `c${index}`,
        name: "",
        type: "group",
        public: false,
        subject: 0,
        createdBy: by,
        owner: by,
        admins: [],
        senders: "all" as const,
        createdAt: 0,
        attributes: {},
        members: [by]
      }
      make({ _tag: "CreateChat", chat, by })
    }
    let nth = 0
    let gathered: Array<MessageRow> = []
    return {
      turn: () => {
        gathered.push([ChatId((nth++ % CHATS) + 1), 1, by, "", 0, randomUUID(), "normal", "text", CONTENT, 0])
        if (gathered.length < TOGETHER) return
        const done = writer.commit(gathered)
        if (done._tag !== "Done" || done.refused.length > 0) throw new Error("it was not appended")
        gathered = []
        indexing.afterTransaction()
      },
      close: () => {
        indexing.end()
        database.close()
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
}
