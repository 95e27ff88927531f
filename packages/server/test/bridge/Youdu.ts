/** youdu: an app of organisation 1 that uses the envelope, like the SDKs. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { DEMO, open, seal } from "../../../dialects/test/youdu/Envelope.ts"
import { byGid, LEAVER, NEWCOMER, type CellChat } from "./CellChat.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Edited, Joined, Recalled, Renamed, Sent } from "./actions.ts"
import { APP_ACCOUNT, type Packet } from "./callback.ts"
import { type Fields, fresh, got, type BridgeContext } from "./context.ts"

interface Session {
  readonly sessionId: string
  readonly title: string
  readonly version: number
  readonly member: ReadonlyArray<string>
}

const sealed = (text: string) => ({ buin: DEMO.buin, appId: DEMO.appId, encrypt: seal(text) })

/** `errcode`, and the JSON in the envelope. */
export const asks = Effect.fnUntraced(function* (
  context: BridgeContext["Service"],
  operation: "get" | "create" | "update" | "send",
  asked: object | string
) {
  const now = String(Math.floor(Date.now() / 1000))
  const answer = yield* got(context, "POST", "/cgi/gettoken", { json: sealed(now) })
  const { accessToken } = JSON.parse(open(String(answer["encrypt"])).text) as { readonly accessToken: string }
  const path = `/cgi/session/${operation}?accessToken=${accessToken}`
  const { errcode, encrypt } = yield* typeof asked === "string"
    ? got(context, "GET", `${path}&sessionId=${encodeURIComponent(asked)}`)
    : got(context, "POST", path, { json: sealed(JSON.stringify(asked)) })
  return { errcode, held: errcode === 0 ? open(String(encrypt)).text : "" }
})

const does = (...asked: Parameters<typeof asks>): Effect.Effect<Session> =>
  Effect.map(asks(...asked), ({ errcode, held }) => {
    assert.strictEqual(errcode, 0)
    return JSON.parse(held) as Session
  })

/** Returns the session's id. */
export const createSession = (
  context: BridgeContext["Service"],
  title: string,
  creator: string,
  ...member: ReadonlyArray<string>
): Effect.Effect<string> =>
  Effect.map(does(context, "create", { title, creator, type: null, member }), ({ sessionId }) => sessionId)

export const session = (context: BridgeContext["Service"], gid: string): Effect.Effect<Session> =>
  does(context, "get", gid)

export const create: Send<string, Created> = (context, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const [name, others] = [fresh("made by youdu"), ["bob", "erin"]]
      const gid = yield* createSession(context, name, creator, ...others)
      return { ...(yield* byGid(context, creator, gid)), type: "group", name, members: [creator, ...others] }
    })
  )

export const rename: Send<CellChat, Renamed> = (context, { gid, lead }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by youdu")
      yield* does(context, "update", { sessionId: gid, opUser: lead, title: name })
      return { name }
    })
  )

export const addMember: Send<CellChat, Joined> = (context, { gid, lead }) =>
  Effect.succeed(
    Effect.as(does(context, "update", { sessionId: gid, opUser: lead, addMember: [NEWCOMER] }), { account: NEWCOMER })
  )

const removes =
  (opUser: (target: CellChat) => string): Send<CellChat, Joined> =>
  (context, target) =>
    Effect.succeed(
      Effect.as(does(context, "update", { sessionId: target.gid, opUser: opUser(target), delMember: [LEAVER] }), {
        account: LEAVER
      })
    )
export const removeMember = removes(({ lead }) => lead)
export const leave = removes(() => LEAVER)

export const seesCreated: Read<string, Created> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, name, members }) {
      const found = yield* session(context, gid)
      assert.deepInclude(found, { sessionId: gid, title: name, version: 1 })
      assert.sameMembers([...found.member], [...members])
    })
  )

/** Checks that the version rises by one, and that only the action's fields change. */
export const seesRenamed: Read<CellChat, Renamed> = (context, { gid }) =>
  Effect.gen(function* () {
    const before = yield* session(context, gid)
    return Effect.fnUntraced(function* ({ name }) {
      assert.deepStrictEqual(yield* session(context, gid), { ...before, title: name, version: before.version + 1 })
    })
  })

const seesMoved =
  (isIn: boolean): Read<CellChat, Joined> =>
  (context, { gid }) =>
    Effect.gen(function* () {
      const before = yield* session(context, gid)
      return Effect.fnUntraced(function* ({ account }) {
        assert.strictEqual(before.member.includes(account), !isIn)
        const rest = before.member.filter((one) => one !== account)
        const member = isIn ? [...rest, account] : rest
        assert.deepStrictEqual(yield* session(context, gid), { ...before, member, version: before.version + 1 })
      })
    })
export const seesJoined = seesMoved(true)
export const seesRemoved = seesMoved(false)
export const seesLeft = seesRemoved

/** Returns the messages that a user's chat client has in a chat, the newest first. */
const historyOf = (context: BridgeContext["Service"], account: string, gid: string) =>
  context.clientOf(account).get<ReadonlyArray<Fields>>("history", { gid, recPerPage: 1, pageID: 1 })

const isPair = (gid: string): boolean => /^[0-9]+&[0-9]+$/.test(gid)

/** Sends for the lead: to the group, or to the other user of a direct chat. Returns the message's gid. */
const say = Effect.fnUntraced(function* (
  context: BridgeContext["Service"],
  { gid, lead, other }: CellChat,
  message: object
) {
  const to = isPair(gid) ? { receiver: other, sessionId: null } : { sessionId: gid, receiver: null }
  const { errcode, held } = yield* asks(context, "send", { ...to, sender: lead, ...message })
  assert.strictEqual(errcode, 0)
  return String((JSON.parse(held) as Fields)["id"])
})

export const sendText: Send<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.gen(function* () {
      const content = fresh("said by youdu")
      const gid = yield* say(context, target, { msgType: "text", text: { content } })
      return { gid, by: target.lead, contentType: "text", content }
    })
  )

/** Sends a picture that the lead has uploaded to the chat. */
export const sendImage: Send<CellChat, Sent> = (context, target) =>
  Effect.gen(function* () {
    const form = new FormData()
    form.append("files", new Blob(["png"]), "x.png")
    form.append("gid", target.gid)
    const uploaded = yield* Effect.promise(async () => {
      const url = `${context.http}/attach-upload.json?sid=${context.token(target.lead)}`
      return (await (await fetch(url, { method: "POST", body: form })).json()) as Fields
    })
    const [file] = uploaded["data"] as ReadonlyArray<Fields>
    return Effect.gen(function* () {
      const image = { media_id: String(file?.["id"]) }
      const gid = yield* say(context, target, { msgType: "image", image })
      const [newest] = yield* historyOf(context, target.lead, target.gid)
      const json = String(newest?.["content"])
      const { url } = JSON.parse(json) as { readonly url: string }
      return { gid, by: target.lead, contentType: "image", content: url, json }
    })
  })

/** Adds the app's user to a group. It is in its direct chats anyway. */
export const joinedByApp = (context: BridgeContext["Service"], { gid, lead }: CellChat) =>
  isPair(gid)
    ? Effect.void
    : Effect.asVoid(does(context, "update", { sessionId: gid, opUser: lead, addMember: [APP_ACCOUNT] }))

const textOf = ({ text }: Packet): unknown => (text as Fields | undefined)?.["content"]

/** Checks that the callback has the message once. A link is a text there, and a file of the chat has its id. */
const seesPacket = (
  context: BridgeContext["Service"],
  target: CellChat,
  { by, content, json }: Sent
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const id = json === undefined ? undefined : String((JSON.parse(json) as Fields)["id"])
    const isIt = (packet: Packet): boolean =>
      id === undefined ? textOf(packet) === content : (packet["image"] as Fields | undefined)?.["media_id"] === id
    yield* context.callback.until(isIt)
    const found = context.callback.packets.filter(isIt)
    assert.strictEqual(found.length, 1)
    assert.deepInclude(found[0], {
      fromUser: by,
      msgType: id === undefined ? "text" : "image",
      ...(!isPair(target.gid) && { sessionId: target.gid })
    })
  })

export const seesSent: Read<CellChat, Sent> = (context, target) =>
  Effect.succeed((sent) => seesPacket(context, target, sent))

/** The callback has failed since the chat was opened. */
export const findsSent: Read<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* (sent) {
      context.callback.refuse(false)
      yield* seesPacket(context, target, sent)
    })
  )

export const seesEdited: Read<CellChat, Edited> = (context) =>
  Effect.succeed(({ content }) => Effect.asVoid(context.callback.until((packet) => textOf(packet) === content)))

/** The callback has failed since the chat was opened. */
export const findsEdited: Read<CellChat, Edited> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ content }) {
      context.callback.refuse(false)
      yield* context.callback.until((packet) => textOf(packet) === content)
    })
  )

export const neverFindsRecalled: Read<CellChat, Recalled> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ content, next }) {
      // A request that was under way at the recall is over then.
      yield* context.callback.untilRefused((packet) => textOf(packet) === next)
      context.callback.refuse(false)
      yield* context.callback.until((packet) => textOf(packet) === next)
      assert.isFalse(context.callback.packets.some((packet) => textOf(packet) === content))
    })
  )
