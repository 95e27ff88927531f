/** ha: actions of an app for one of two users, and their effect in its lists. Source: seeds/003. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { byId, type Place } from "./Place.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Hidden, Recalled, ReadUpTo, Sent, Taken, Told } from "./actions.ts"
import { type Answer, fresh, type World } from "./context.ts"

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
  world: World["Service"],
  account: string,
  method: string,
  path: string,
  json?: object
): Effect.Effect<Answer> =>
  world.ask(method, path, {
    headers: { "X-HA-Key": "ha-demo", "X-HA-Session": world.token(account) },
    ...(json !== undefined && { json })
  })

const does = <A>(...asked: Parameters<typeof asks>): Effect.Effect<A> =>
  Effect.map(asks(...asked), ({ status, json }) => {
    assert.strictEqual(status, 200, JSON.stringify(json))
    return json["data"] as A
  })

export const conversationId = ({ id }: { readonly id: number }): number => -100_000_000 - id

/** Returns the conversation's id. */
export const createConversation = (world: World["Service"], account: string, other: string): Effect.Effect<number> =>
  Effect.map(
    does<{ readonly conversationid: number }>(world, account, "POST", "/conversation", {
      passiveuser: world.id(other),
      time: "1700000000000"
    }),
    ({ conversationid }) => conversationid
  )

/** With `bob`. */
export const create: Send<string, Created> = (world, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const id = -100_000_000 - (yield* createConversation(world, creator, "bob"))
      return { ...(yield* byId(world, creator, id)), type: "one2one", name: "", members: [creator, "bob"] }
    })
  )

/** Sends a message of the lead; returns its messagekey. */
const send = (world: World["Service"], place: Place, content: string, type: -1 | -2 = -1) =>
  Effect.map(
    does<{ readonly messagekey: string }>(world, place.lead, "POST", "/message", {
      conversationid: conversationId(place),
      type,
      content,
      time: String(Date.now())
    }),
    ({ messagekey }) => messagekey
  )

export const list = (world: World["Service"], account: string, place: Place) =>
  does<ReadonlyArray<Listed>>(world, account, "GET", `/message?conversationid=${conversationId(place)}&limit=100`)

const sends =
  (contentType: "text" | "image"): Send<Place, Sent> =>
  (world, place) =>
    Effect.succeed(
      Effect.gen(function* () {
        const content = contentType === "text" ? fresh("said by ha") : `https://example.org/ha.png?${fresh("n")}`
        const gid = yield* send(world, place, content, contentType === "text" ? -1 : -2)
        return { gid, by: place.lead, contentType, content }
      })
    )
export const sendText = sends("text")
export const sendImage = sends("image")

const erase = (world: World["Service"], account: string, messagekey: string, type: 1 | 2) =>
  does<null>(world, account, "DELETE", "/message", { messagekey, type })

const recalls =
  (told: Told): Send<Place, Recalled> =>
  (world, place) =>
    Effect.gen(function* () {
      const content = fresh("regretted in ha")
      const gid = yield* send(world, place, content)
      if (told === "here") yield* world.desk(place.other).untilTold(content)
      if (told === "gone") yield* world.comesBackFor(content)
      return Effect.gen(function* () {
        yield* erase(world, place.lead, gid, 2)
        const next = fresh("said after that")
        yield* send(world, place, next)
        return { gid, content, next }
      })
    })
export const recall = recalls("here")
export const recallUnseen = recalls("nobody")
export const recallTaken = recalls("gone")

/** The other user hides the lead's message in the own list. */
export const hide: Send<Place, Hidden> = (world, place) =>
  Effect.gen(function* () {
    const gid = yield* send(world, place, fresh("not wanted here"))
    return Effect.as(erase(world, place.other, gid, 1), { gid, by: place.other, notBy: place.lead })
  })

/** The other user lists the messages, which marks them as read. */
export const read: Send<Place, ReadUpTo> = (world, place) =>
  Effect.gen(function* () {
    const gid = yield* send(world, place, fresh("to be read"))
    return Effect.as(list(world, place.other, place), { gid })
  })

export const seesCreated: Read<string, Created> = (world) =>
  Effect.succeed(
    Effect.fnUntraced(function* (chat) {
      const [creator = "", other = ""] = chat.members
      for (const [one, two] of [
        [creator, other],
        [other, creator]
      ] as const) {
        assert.strictEqual(yield* createConversation(world, one, two), conversationId(chat))
      }
    })
  )

const NUMBERS = { text: -1, image: -2 } as const

const found = (world: World["Service"], account: string, place: Place, gid: string) =>
  Effect.map(list(world, account, place), (all) => all.find(({ messagekey }) => messagekey === gid))

export const seesSent: Read<Place, Sent> = (world, place) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, contentType, content }) {
      const [newest] = yield* list(world, place.other, place)
      const type = NUMBERS[contentType]
      assert.deepInclude(newest, { id: world.id(by), messagekey: gid, type, content, issent: 1 })
    })
  )

export const seesRecalled: Read<Place, Recalled> = (world, place) =>
  Effect.gen(function* () {
    const [before] = yield* list(world, place.other, place)
    return Effect.fnUntraced(function* ({ gid, content, next }) {
      assert.deepInclude(before, { messagekey: gid, content })
      for (const account of [place.other, place.lead]) {
        const [newest, ...others] = yield* list(world, account, place)
        assert.strictEqual(newest?.content, next)
        assert.isFalse(others.some(({ messagekey }) => messagekey === gid))
      }
    })
  })

export const seesHidden: Read<Place, Hidden> = (world, place) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, notBy }) {
      assert.isUndefined(yield* found(world, by, place, gid))
      assert.isDefined(yield* found(world, notBy, place, gid))
    })
  )

/** Checks that only the action changes a message's states. */
const seesState =
  (state: "ispushed" | "isread"): Read<Place, Taken | ReadUpTo> =>
  (world, place) =>
    Effect.gen(function* () {
      const [before] = yield* list(world, place.lead, place)
      return Effect.fnUntraced(function* ({ gid }) {
        assert.deepInclude(before, { messagekey: gid, [state]: 0 })
        const after = yield* found(world, place.lead, place, gid)
        assert.deepStrictEqual(after, { ...before, ...after, [state]: 1 })
        assert.strictEqual(after?.isread, state === "isread" ? 1 : 0)
      })
    })
export const seesTaken = seesState("ispushed")
export const seesRead = seesState("isread")

/** The recipient was offline, so there was no push. */
export const findsSent: Read<Place, Sent> = (world, place) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, content }) {
      const sent = { messagekey: gid, content, ispushed: 0, isread: 0 }
      assert.deepInclude(yield* found(world, place.lead, place, gid), sent)
      assert.deepInclude(yield* found(world, place.other, place, gid), sent)
    })
  )
