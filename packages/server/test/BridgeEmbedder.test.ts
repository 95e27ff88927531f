/** The bridge for embedders: protocols show actions through the API like actions through another protocol. */
import { assert, it } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as Host from "../../adapter-node/src/internal/http/HttpHost.ts"
import * as NodePasswords from "@parley/adapter-node/NodePasswords"
import type { ChatRef, CreateChat, SendMessages } from "@parley/core/Command"
import { Credentials } from "@parley/core/Credentials"
import { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import * as Parley from "@parley/core/Parley"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import { online, PASSWORD } from "./clients.ts"

const engine = Parley.layer.pipe(Layer.provideMerge([MemoryStore.layer, MemoryBlobs.layer, NodePasswords.layer]))

interface Listed {
  readonly messagekey: string
  readonly content: string
  readonly ispushed: number
  readonly isread: number
}

/** Serves both protocols at an own address. */
const served = Effect.gen(function* () {
  const opened = [
    yield* xuanxuan.open({ settings: {}, tcp: () => undefined }),
    yield* ha.open({ settings: {}, tcp: () => undefined })
  ]
  for (const { demo } of opened) if (demo !== undefined) yield* demo
  const host = yield* Host.make({ endpoints: opened.flatMap(({ endpoints }) => endpoints) })
  const server = createServer((request, response) => host.node(request, response))
  host.attach(server)
  return yield* Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`))
      })
    }),
    () => Effect.sync(() => void server.close())
  )
})

const made = (name: string, type: string, members: ReadonlyArray<UserId>): CreateChat => ({
  _tag: "CreateChat",
  gid: name.toLowerCase(),
  name,
  type,
  members,
  subject: 0,
  public: false
})

/** Returns texts by gid. */
const sent = (chat: ChatRef, texts: Readonly<Record<string, string>>): SendMessages => ({
  _tag: "SendMessages",
  messages: Object.entries(texts).map(([gid, content]) => ({ gid, chat, type: "normal", contentType: "text", content }))
})

it.live("messages, recalls, renames and reads of an embedder reach chat clients and ha at once", () =>
  Effect.gen(function* () {
    const [{ perform }, queue, sessions] = [yield* Engine, yield* OfflineQueue, yield* Sessions]
    const accounts = ["ann", "ben", "cat"]
    // The test clients use the demonstration's password, which new users may not have.
    const passwordHash = yield* (yield* Credentials).hash(PASSWORD)
    const [ann, ben, cat] = yield* (yield* Users).add(accounts.map((account) => ({ account, passwordHash })))
    assert(ann && ben && cat)
    const [anns, bens] = [ann, ben].map(({ id }) => ({ user: id, device: null }))
    assert(anns && bens)
    const http = yield* served
    const desk = yield* online(http, "ben")
    const { token } = yield* sessions.issue(ann.id, "token")
    const list = (chat: number): Effect.Effect<ReadonlyArray<Listed>> =>
      Effect.promise(async () => {
        const headers = { "X-HA-Key": "ha-demo", "X-HA-Session": token }
        const response = await fetch(`${http}/message?conversationid=${-100_000_000 - chat}`, { headers })
        return ((await response.json()) as { readonly data: ReadonlyArray<Listed> }).data
      })

    // A direct chat is the same one for all callers, including embedders.
    const { chat: pair } = yield* perform(anns, made("", "one2one", [ben.id]))
    yield* perform(anns, sent(pair, { m1: "from within" }))
    yield* desk.untilMessage("from within")
    assert.deepInclude(desk.delivered.at(-1), { gid: "m1", cgid: pair.gid, user: ann.id })
    const [before] = yield* list(pair.id)
    assert.deepInclude(before, { messagekey: "m1", content: "from within", ispushed: 1, isread: 0 })
    yield* perform(bens, { _tag: "MarkRead", chat: pair })
    assert.deepStrictEqual((yield* list(pair.id))[0], { ...before, isread: 1 })
    yield* perform(anns, { _tag: "RecallMessage", gid: "m1" })
    yield* desk.until("the recall", () => desk.delivered.some(({ gid, content }) => gid === "m1" && content === ""))
    assert.deepStrictEqual(yield* list(pair.id), [])

    // A group with an offline member.
    const { chat: group } = yield* perform(anns, made("Team", "group", [ben.id, cat.id]))
    yield* perform(anns, { _tag: "RenameChat", chat: group, name: "Crew" })
    yield* desk.until("the new name", () =>
      desk.pushes("changeName").some(({ data }) => (data as { readonly name: string }).name === "Crew")
    )
    yield* perform(anns, sent(group, { m2: "kept", m3: "regretted" }))
    yield* perform(anns, { _tag: "RecallMessage", gid: "m3" })
    yield* perform(anns, sent(group, { m4: "the last" }))
    const owed = yield* queue.list(cat.id)
    assert.deepStrictEqual(
      owed.map(({ event }) => event.message?.gid),
      ["m2", "m4"]
    )
    const late = yield* online(http, "cat")
    yield* late.untilMessage("the last")
    assert.deepStrictEqual(
      late.delivered.map(({ content }) => content),
      ["kept", "the last"]
    )
  }).pipe(Effect.scoped, Effect.provide(engine))
)
