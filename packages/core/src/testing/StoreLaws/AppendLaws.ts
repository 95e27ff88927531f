/** Laws of `post`, which is `commit` of one message. A store without it keeps them with `commit` in its place. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ChatId, type UserId } from "../../model/Ids.ts"
import type { Entry, Posted } from "../../model/Log.ts"
import { type MessageAppend, toBatch } from "../../ports/Store.ts"
import {
  appending,
  createChat,
  law,
  logOf,
  NO_CHAT,
  NOW,
  pair,
  posting,
  same,
  type StoreLaw,
  type Storing
} from "./Law.ts"

const message = (chat: ChatId, by: UserId, gid: string, version = 1): MessageAppend => ({
  chat,
  version,
  by,
  device: "phone",
  at: NOW,
  body: posting(gid)
})

const sent = (store: Storing, post: MessageAppend): Effect.Effect<Entry<Posted> | undefined, unknown> => {
  const direct = store.appendMessage
  if (direct !== undefined) {
    return Effect.callback((resume) => direct(post, (entry) => resume(Effect.succeed(entry))))
  }
  return Effect.map(Effect.result(store.commit(toBatch(post))), (outcome) => {
    const [written] = Result.isSuccess(outcome) ? outcome.success : []
    return written?._tag === "Entry" ? { ...written.entry, body: post.body } : undefined
  })
}

export const appendLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a posted message is answered with its entry, as the log has it",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const entry = yield* sent(store, message(chat.id, a, "m1"))
      yield* same("entry", [entry], (yield* logOf(store, chat.id)).slice(1))
      yield* same("place", [entry?.seq, entry?.posted, entry?.device], [2, 1, "phone"])
    })
  ),
  law(
    "a posted message that is stale, there already or of no chat is answered with nothing, and stores nothing",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* sent(store, message(chat.id, a, "m1"))
      const before = yield* logOf(store, chat.id)
      yield* same("stale", yield* sent(store, message(chat.id, a, "m2", 2)), undefined)
      yield* same("there already", yield* sent(store, message(chat.id, a, "m1")), undefined)
      yield* same("no chat", yield* sent(store, message(NO_CHAT, a, "m3")), undefined)
      yield* same("log", yield* logOf(store, chat.id), before)
    })
  ),
  law(
    "posted messages and other units take effect in the order in which they were asked for",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const commit = (gid: string) =>
        store.commit({
          expectedVersions: [],
          writes: [appending(chat.id, a, posting(gid)), appending(chat.id, a, posting(`${gid}+`))]
        })
      const gids = Array.from({ length: 60 }, (_, index) => `m${index}`)
      yield* Effect.forEach(
        gids,
        (gid, index): Effect.Effect<unknown, unknown> =>
          index % 3 === 2 ? commit(gid) : sent(store, message(chat.id, a, gid)),
        { concurrency: "unbounded" }
      )
      const log = (yield* logOf(store, chat.id)).flatMap(({ body }) => (body._tag === "Posted" ? [body.gid] : []))
      yield* same(
        "log",
        log,
        gids.flatMap((gid, index) => (index % 3 === 2 ? [gid, `${gid}+`] : [gid]))
      )
    })
  ),
  law(
    "each posted message is told once what became of it, in the order in which they were posted, whatever its neighbours did",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* sent(store, message(chat.id, a, "there"))
      const told: Array<readonly [index: number, gid: string | undefined]> = []
      const indexes = Array.from({ length: 30 }, (_, index) => index)
      yield* Effect.forEach(
        indexes,
        (index) => {
          const kind = index % 5
          const post: MessageAppend =
            kind === 1
              ? message(chat.id, a, "there")
              : kind === 3
                ? message(ChatId(index % 2), a, `m${index}`, 7)
                : message(chat.id, a, `m${index}`)
          return Effect.map(sent(store, post), (entry) => {
            told.push([index, entry?.body.gid])
          })
        },
        { concurrency: "unbounded" }
      )
      yield* same(
        "told",
        told,
        indexes.map((index) => [index, index % 5 === 1 || index % 5 === 3 ? undefined : `m${index}`])
      )
      const log = (yield* logOf(store, chat.id)).flatMap(({ body }) => (body._tag === "Posted" ? [body.gid] : []))
      yield* same("log", log, ["there", ...told.flatMap(([, gid]) => gid ?? [])])
    })
  )
]
