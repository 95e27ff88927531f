/** The commit paths that are measured: a bare writer, and stores with chats to write to. */
import { randomUUID } from "node:crypto"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { ChatId, UserId } from "@parley/core/Ids"
import type { MessageAppend, Store } from "@parley/core/Store"
import { Effect, Exit, Scope } from "effect"
import { makeGroups } from "../Seed.ts"
import { BareWriter } from "./BareWriter.ts"

const CHATS = 100
const CONTENT = "x".repeat(200)

export interface Path {
  readonly append: (done: () => void) => void
  readonly close: () => Promise<void>
}

export const bare = async (file: string): Promise<Path> => {
  const writer = await BareWriter.open(file)
  let n = 0
  return {
    append: (done) => writer.append([randomUUID(), n++ % CHATS, 1, Date.now(), "normal", "text", CONTENT], done),
    close: () => writer.close()
  }
}

/** A store with chats, and messages for them by turns. */
export interface StorePath extends Path {
  readonly store: Store["Service"]
  readonly message: () => MessageAppend
}

const onStore = async (open: Effect.Effect<Store["Service"], unknown, Scope.Scope>): Promise<StorePath> => {
  const scope = Scope.makeUnsafe()
  const store = await Effect.runPromise(Effect.provideService(open, Scope.Scope, scope))
  // Unique: several processes may use one database.
  const account = `u${randomUUID()}`
  const user = {
    account,
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
  const [created] = await Effect.runPromise(
    store.commit({ expectedVersions: [], writes: [{ _tag: "CreateUser", user }] })
  )
  const by = created?._tag === "User" ? created.user.id : UserId(1)
  const members = [{ account, id: by, sid: "" }]
  const chats = await makeGroups(
    store,
    Array.from({ length: CHATS }, (_, index) => ({ gid: `${account}-${index}`, members }))
  )
  let n = 0
  const { appendMessage: post } = store
  if (post === undefined) throw new Error("this store takes no messages by themselves")
  const message = (): MessageAppend => {
    const chat = chats[n++ % CHATS] ?? ChatId(1)
    const body = {
      _tag: "Posted",
      gid: randomUUID(),
      type: "normal",
      contentType: "text",
      content: CONTENT,
      date: 0
    } as const
    return { chat, version: 1, by, device: "", at: 0, body }
  }
  return {
    store,
    message,
    append: (done) =>
      post(message(), (entry) => {
        if (entry === undefined) throw new Error("a message was refused")
        done()
      }),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export const sqlite = (file: string): Promise<StorePath> => onStore(SqliteStore.make({ file }))
export const postgres = (url: string): Promise<StorePath> => onStore(PgStore.make({ url }))
