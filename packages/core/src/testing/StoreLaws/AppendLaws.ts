/**
 * Laws of `appendMessage`, which is `commit` of one message. A store without it passes them with `commit` in its place.
 */
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

const appended = (store: Storing, post: MessageAppend): Effect.Effect<Entry<Posted> | undefined, unknown> => {
  const appendMessage = store.appendMessage
  if (appendMessage !== undefined) {
    return Effect.callback((resume) => appendMessage(post, (entry) => resume(Effect.succeed(entry))))
  }
  return Effect.map(Effect.result(store.commit(toBatch(post))), (outcome) => {
    const [written] = Result.isSuccess(outcome) ? outcome.success : []
    return written?._tag === "Entry" ? { ...written.entry, body: post.body } : undefined
  })
}

export const appendLaws: ReadonlyArray<StoreLaw> = [
  law(
    "an appended message returns its entry, as in the log",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const entry = yield* appended(store, message(chat.id, a, "m1"))
      yield* same("entry", [entry], (yield* logOf(store, chat.id)).slice(1))
      yield* same("position", [entry?.seq, entry?.posted, entry?.device], [2, 1, "phone"])
    })
  ),
  law(
    "an appended message that conflicts, is a duplicate or has no chat returns undefined, and stores nothing",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* appended(store, message(chat.id, a, "m1"))
      const before = yield* logOf(store, chat.id)
      yield* same("conflict", yield* appended(store, message(chat.id, a, "m2", 2)), undefined)
      yield* same("there already", yield* appended(store, message(chat.id, a, "m1")), undefined)
      yield* same("no chat", yield* appended(store, message(NO_CHAT, a, "m3")), undefined)
      yield* same("log", yield* logOf(store, chat.id), before)
    })
  ),
  law(
    "appended messages and other batches take effect in the order of the calls",
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
          index % 3 === 2 ? commit(gid) : appended(store, message(chat.id, a, gid)),
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
    "each appended message gets its result once, in the order of the calls, whatever the results of the others",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* appended(store, message(chat.id, a, "there"))
      const results: Array<readonly [index: number, gid: string | undefined]> = []
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
          return Effect.map(appended(store, post), (entry) => {
            results.push([index, entry?.body.gid])
          })
        },
        { concurrency: "unbounded" }
      )
      yield* same(
        "results",
        results,
        indexes.map((index) => [index, index % 5 === 1 || index % 5 === 3 ? undefined : `m${index}`])
      )
      const log = (yield* logOf(store, chat.id)).flatMap(({ body }) => (body._tag === "Posted" ? [body.gid] : []))
      yield* same("log", log, ["there", ...results.flatMap(([, gid]) => gid ?? [])])
    })
  )
]
