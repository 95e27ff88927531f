/** ha: actions of an app for one of two users, and their effect in its lists. Source: seeds/003. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { byId, type CellChat } from "./CellChat.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Edited, Hidden, Recalled, ReadUpTo, Sent, Taken, RecipientState } from "./actions.ts"
import { type Answer, fresh, type BridgeContext } from "./context.ts"

interface Listed {
  readonly id: number
  readonly messagekey: string
  readonly type: number
  readonly content: string
  readonly issent: number
  readonly ispushed: number
  readonly isread: number
}

export const asks = (
  context: BridgeContext["Service"],
  account: string,
  method: string,
  path: string,
  json?: object
): Effect.Effect<Answer> =>
  context.ask(method, path, {
    headers: { "X-HA-Key": "ha-demo", "X-HA-Session": context.token(account) },
    ...(json !== undefined && { json })
  })

const does = <A>(...asked: Parameters<typeof asks>): Effect.Effect<A> =>
  Effect.map(asks(...asked), ({ status, json }) => {
    assert.strictEqual(status, 200, JSON.stringify(json))
    return json["data"] as A
  })

export const conversationId = ({ id }: { readonly id: number }): number => -100_000_000 - id

/** Returns the conversation's id. */
export const createConversation = (
  context: BridgeContext["Service"],
  account: string,
  other: string
): Effect.Effect<number> =>
  Effect.map(
    does<{ readonly conversationid: number }>(context, account, "POST", "/conversation", {
      passiveuser: context.id(other),
      time: "1700000000000"
    }),
    ({ conversationid }) => conversationid
  )

/** With `bob`. */
export const create: Send<string, Created> = (context, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const id = -100_000_000 - (yield* createConversation(context, creator, "bob"))
      return { ...(yield* byId(context, creator, id)), type: "one2one", name: "", members: [creator, "bob"] }
    })
  )

/** Sends a message of the lead; returns its messagekey. */
const send = (context: BridgeContext["Service"], target: CellChat, content: string, type: -1 | -2 = -1) =>
  Effect.map(
    does<{ readonly messagekey: string }>(context, target.lead, "POST", "/message", {
      conversationid: conversationId(target),
      type,
      content,
      time: String(Date.now())
    }),
    ({ messagekey }) => messagekey
  )

export const list = (context: BridgeContext["Service"], account: string, target: CellChat) =>
  does<ReadonlyArray<Listed>>(context, account, "GET", `/message?conversationid=${conversationId(target)}&limit=100`)

const sends =
  (contentType: "text" | "image"): Send<CellChat, Sent> =>
  (context, target) =>
    Effect.succeed(
      Effect.gen(function* () {
        const content = contentType === "text" ? fresh("said by ha") : `https://example.org/ha.png?${fresh("n")}`
        const gid = yield* send(context, target, content, contentType === "text" ? -1 : -2)
        return { gid, by: target.lead, contentType, content }
      })
    )
export const sendText = sends("text")
export const sendImage = sends("image")

const erase = (context: BridgeContext["Service"], account: string, messagekey: string, type: 1 | 2) =>
  does<null>(context, account, "DELETE", "/message", { messagekey, type })

const recalls =
  (recipient: RecipientState): Send<CellChat, Recalled> =>
  (context, target) =>
    Effect.gen(function* () {
      const content = fresh("regretted in ha")
      const gid = yield* send(context, target, content)
      if (recipient === "online") yield* context.clientOf(target.other).untilMessage(content)
      if (recipient === "disconnected") yield* context.reconnectFor(content)
      return Effect.gen(function* () {
        yield* erase(context, target.lead, gid, 2)
        const next = fresh("said after that")
        yield* send(context, target, next)
        return { gid, content, next }
      })
    })
export const recall = recalls("online")
export const recallUnseen = recalls("none")
export const recallTaken = recalls("disconnected")

/** The other user hides the lead's message in the own list. */
export const hide: Send<CellChat, Hidden> = (context, target) =>
  Effect.gen(function* () {
    const gid = yield* send(context, target, fresh("not wanted here"))
    return Effect.as(erase(context, target.other, gid, 1), { gid, by: target.other, notBy: target.lead })
  })

/** The other user lists the messages, which marks them as read. */
export const read: Send<CellChat, ReadUpTo> = (context, target) =>
  Effect.gen(function* () {
    const gid = yield* send(context, target, fresh("to be read"))
    return Effect.as(list(context, target.other, target), { gid })
  })

export const seesCreated: Read<string, Created> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* (chat) {
      const [creator = "", other = ""] = chat.members
      for (const [one, two] of [
        [creator, other],
        [other, creator]
      ] as const) {
        assert.strictEqual(yield* createConversation(context, one, two), conversationId(chat))
      }
    })
  )

const NUMBERS = { text: -1, image: -2 } as const

const found = (context: BridgeContext["Service"], account: string, target: CellChat, gid: string) =>
  Effect.map(list(context, account, target), (all) => all.find(({ messagekey }) => messagekey === gid))

export const seesSent: Read<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, contentType, content }) {
      const [newest] = yield* list(context, target.other, target)
      const type = NUMBERS[contentType]
      assert.deepInclude(newest, { id: context.id(by), messagekey: gid, type, content, issent: 1 })
    })
  )

export const seesRecalled: Read<CellChat, Recalled> = (context, target) =>
  Effect.gen(function* () {
    const [before] = yield* list(context, target.other, target)
    return Effect.fnUntraced(function* ({ gid, content, next }) {
      assert.deepInclude(before, { messagekey: gid, content })
      for (const account of [target.other, target.lead]) {
        const [newest, ...others] = yield* list(context, account, target)
        assert.strictEqual(newest?.content, next)
        assert.isFalse(others.some(({ messagekey }) => messagekey === gid))
      }
    })
  })

export const seesEdited: Read<CellChat, Edited> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, content }) {
      for (const account of [target.other, target.lead]) {
        assert.strictEqual((yield* found(context, account, target, gid))?.content, content)
      }
    })
  )

export const seesHidden: Read<CellChat, Hidden> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, notBy }) {
      assert.isUndefined(yield* found(context, by, target, gid))
      assert.isDefined(yield* found(context, notBy, target, gid))
    })
  )

/** Checks that only the action changes a message's states. */
const seesState =
  (state: "ispushed" | "isread"): Read<CellChat, Taken | ReadUpTo> =>
  (context, target) =>
    Effect.gen(function* () {
      const [before] = yield* list(context, target.lead, target)
      return Effect.fnUntraced(function* ({ gid }) {
        assert.deepInclude(before, { messagekey: gid, [state]: 0 })
        const after = yield* found(context, target.lead, target, gid)
        assert.deepStrictEqual(after, { ...before, ...after, [state]: 1 })
        assert.strictEqual(after?.isread, state === "isread" ? 1 : 0)
      })
    })
export const seesTaken = seesState("ispushed")
export const seesRead = seesState("isread")

/** The recipient was offline, so there was no push. */
export const findsSent: Read<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, content }) {
      const sent = { messagekey: gid, content, ispushed: 0, isread: 0 }
      assert.deepInclude(yield* found(context, target.lead, target, gid), sent)
      assert.deepInclude(yield* found(context, target.other, target, gid), sent)
    })
  )
