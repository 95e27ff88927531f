/** Measures one commit path by itself: `main.ts <bare|parley> <file> <outstanding> <milliseconds>` prints what it came to as JSON. */
import { randomUUID } from "node:crypto"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { ChatId, UserId } from "@parley/core/Ids"
import type { MessageAppend } from "@parley/core/Store"
import { Effect, Exit, Scope } from "effect"
import { makeGroups } from "../Seed.ts"
import { BareWriter } from "./BareWriter.ts"

const CHATS = 100
const CONTENT = "x".repeat(200)
/** Milliseconds before it counts. */
const WARM_UP = 300

export interface CommitsSeen {
  /** Rows a second. */
  readonly rate: number
  /** Microseconds of CPU for each row, of the whole process. */
  readonly cpu: number
}

interface Path {
  readonly append: (done: () => void) => void
  readonly close: () => Promise<void>
}

const bare = async (file: string): Promise<Path> => {
  const writer = await BareWriter.open(file)
  let n = 0
  return {
    append: (done) => writer.append([randomUUID(), n++ % CHATS, 1, Date.now(), "normal", "text", CONTENT], done),
    close: () => writer.close()
  }
}

const parley = async (file: string): Promise<Path> => {
  const scope = Scope.makeUnsafe()
  const store = await Effect.runPromise(Effect.provideService(SqliteStore.make({ file }), Scope.Scope, scope))
  const user = {
    account: "u",
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
  await Effect.runPromise(store.commit({ expectedVersions: [], writes: [{ _tag: "CreateUser", user }] }))
  const members = [{ account: "u", id: 1, sid: "" }]
  const chats = await makeGroups(
    store,
    Array.from({ length: CHATS }, (_, index) => ({ gid: `c${index}`, members }))
  )
  let n = 0
  const { appendMessage: post } = store
  if (post === undefined) throw new Error("this store takes no messages by themselves")
  const message = (): MessageAppend => {
    const chat = chats[n++ % CHATS] ?? ChatId(1)
    const gid = randomUUID()
    const body = { _tag: "Posted", gid, type: "normal", contentType: "text", content: CONTENT, date: 0 } as const
    return { chat, version: 1, by: UserId(1), device: "", at: 0, body }
  }
  return {
    append: (done) =>
      post(message(), (entry) => {
        if (entry === undefined) throw new Error("a message was refused")
        done()
      }),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const measure = async (path: Path, outstanding: number, duration: number): Promise<CommitsSeen> => {
  let rows = 0
  let going = true
  let left = outstanding
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await new Promise<void>((resolve) => {
    const next = (): void => {
      rows++
      if (going) path.append(next)
      else if (--left === 0) resolve()
    }
    setTimeout(() => (going = false), duration)
    for (let index = 0; index < outstanding; index++) path.append(next)
  })
  const used = process.cpuUsage(cpu)
  return { rate: (rows * 1000) / (performance.now() - begin), cpu: (used.user + used.system) / rows }
}

const [, , name = "", file = "", outstanding = "1", milliseconds = "1000"] = process.argv
const path = await (name === "bare" ? bare : parley)(file)
await measure(path, Number(outstanding), WARM_UP)
const seen = await measure(path, Number(outstanding), Number(milliseconds))
await path.close()
console.log(JSON.stringify(seen))
