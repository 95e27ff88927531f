/** xuanxuan: actions of a chat client, and their effect at the clients of the other members. Source: seeds/002. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Client, type Message, newGid } from "../clients.ts"
import { LEAVER, NEWCOMER, type CellChat } from "./CellChat.ts"
import type { Read, Send } from "./Declaration.ts"
import type {
  Created,
  Edited,
  Hidden,
  Joined,
  ReadUpTo,
  Recalled,
  RecipientState,
  Renamed,
  Sent,
  Taken
} from "./actions.ts"
import { type Fields, fresh, PEER, type BridgeContext } from "./context.ts"

/** A message of this protocol, with fields that small clients ignore. */
type Shown = Message & { readonly contentType: string; readonly recalled?: boolean }

const say = (client: Client, target: CellChat, contentType: string, content: unknown) =>
  client.get<ReadonlyArray<Shown>>("message", [{ gid: newGid(), cgid: target.gid, contentType, content }])

/** Sends a text to a chat; returns its gid. */
export const sayIn = (context: BridgeContext["Service"], target: CellChat, content: string, contentType = "text") =>
  Effect.map(
    say(context.clientOf(target.lead), target, contentType, contentType === "text" ? content : { url: content }),
    ([stored]) => stored?.gid ?? ""
  )

const sends =
  (contentType: "text" | "image"): Send<CellChat, Sent> =>
  (context, target) =>
    Effect.succeed(
      Effect.gen(function* () {
        const content =
          contentType === "text" ? fresh("said by a chat client") : `https://example.org/x.png?${fresh("n")}`
        const gid = yield* sayIn(context, target, content, contentType)
        return { gid, by: target.lead, contentType, content, atClient: true }
      })
    )
export const sendText = sends("text")
export const sendImage = sends("image")

const recalls =
  (recipient: RecipientState): Send<CellChat, Recalled> =>
  (context, target) =>
    Effect.gen(function* () {
      const content = fresh("regretted by a chat client")
      const gid = yield* sayIn(context, target, content)
      if (recipient === "online") yield* context.clientOf("bob").untilMessage(content)
      if (recipient === "disconnected") yield* context.reconnectFor(content)
      return Effect.gen(function* () {
        yield* context.clientOf(target.lead).get("recall", { gid }, "parley")
        const next = fresh("said after that")
        yield* sayIn(context, target, next)
        return { gid, content, next }
      })
    })
export const recall = recalls("online")
export const recallUnseen = recalls("none")
export const recallTaken = recalls("disconnected")

export const edit: Send<CellChat, Edited> = (context, target) =>
  Effect.gen(function* () {
    const gid = yield* sayIn(context, target, fresh("written by a chat client"))
    const content = fresh("edited by a chat client")
    return Effect.as(context.clientOf(target.lead).get("edit", { gid, content }, "parley"), { gid, content })
  })

/** The other user's chat client marks the message as read. Its acknowledgement does not. */
export const read: Send<CellChat, ReadUpTo> = (context, target) =>
  Effect.gen(function* () {
    const content = fresh("to be read by a chat client")
    const gid = yield* sayIn(context, target, content)
    const reader = context.clientOf(target.other)
    yield* reader.untilMessage(content)
    reader.acknowledge(reader.packets)
    yield* reader.get("history", { gid: target.gid })
    return Effect.as(reader.get("read", { gid: target.gid }, "parley"), { gid })
  })

export const createGroup: Send<string, Created> = (context, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const members = ["bob", "erin"]
      const name = fresh("made by a chat client")
      const chat = yield* context.clientOf(creator).get<Fields>("create", {
        gid: newGid(),
        name,
        type: "group",
        members: members.map((account) => ({ id: context.id(account) }))
      })
      return { gid: String(chat["gid"]), id: Number(chat["id"]), type: "group", name, members: [creator, ...members] }
    })
  )

export const createPair: Send<string, Created> = (context, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const members = [{ id: context.id(creator) }, { id: context.id("bob") }]
      const chat = yield* context
        .clientOf(creator)
        .get<Fields>("create", { gid: newGid(), name: "", type: "one2one", members })
      return { gid: String(chat["gid"]), id: Number(chat["id"]), type: "one2one", name: "", members: [creator, "bob"] }
    })
  )

export const rename: Send<CellChat, Renamed> = (context, { gid, lead }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by a chat client")
      yield* context.clientOf(lead).get("changename", { id: gid, name })
      return { name }
    })
  )

const moves =
  (account: string, join: boolean): Send<CellChat, Joined> =>
  (context, { gid, lead }) =>
    Effect.succeed(
      Effect.as(context.clientOf(lead).get("addmember", { gid, members: [{ id: context.id(account) }], join }), {
        account
      })
    )
export const addMember = moves(NEWCOMER, true)
export const removeMember = moves(LEAVER, false)

export const leave: Send<CellChat, Joined> = (context, { gid }) =>
  Effect.succeed(
    Effect.as(context.clientOf(LEAVER).get("joinchat", { gid, join: false }), { account: LEAVER, atClient: true })
  )

/** Connects a chat client and gets the offline queue. */
export const takeDelivery: Send<CellChat, Taken> = (context, target) =>
  Effect.gen(function* () {
    const content = fresh("waits to be taken")
    const gid = yield* sayIn(context, target, content)
    return Effect.as(context.reconnectFor(content), { gid })
  })

/** Returns the packets that a client receives from now on. */
const listening = (client: Client) => {
  const from = client.received.length
  const pushed = (method: string, gid: string): ReadonlyArray<Fields> =>
    client.received
      .slice(from)
      .filter((packet) => packet.result === undefined && packet.method === method)
      .map(({ data }) => data as Fields)
      .filter((data) => data["gid"] === gid)
  const messages = (gid: string): ReadonlyArray<Shown> =>
    client.received
      .slice(from)
      .filter((packet) => packet.result === undefined && packet.method === "message")
      .flatMap(({ data }) => data as ReadonlyArray<Shown>)
      .filter((message) => message.gid === gid)
  return {
    count: (gid: string): number => messages(gid).length,
    messages: (gid: string, there: (message: Shown) => boolean) =>
      Effect.map(
        client.until(`a message ${gid}`, () => messages(gid).some(there)),
        () => messages(gid).find(there)
      ),
    pushed: (method: string, gid: string, there: (chat: Fields) => boolean) =>
      Effect.map(
        client.until(`${method} of ${gid}`, () => pushed(method, gid).some(there)),
        () => pushed(method, gid).find(there)
      )
  }
}

const listed = (client: Client, gid: string): Effect.Effect<Fields | undefined> =>
  Effect.map(client.get<ReadonlyArray<Fields>>("getlist"), (chats) => chats.find((chat) => chat["gid"] === gid))

const memberIds = (chat: Fields | undefined): ReadonlyArray<number> =>
  ((chat?.["members"] ?? []) as ReadonlyArray<{ readonly id: number } | number>).map((member) =>
    typeof member === "number" ? member : member.id
  )

const newest = (client: Client, gid: string): Effect.Effect<Shown | undefined> =>
  Effect.map(client.get<ReadonlyArray<Shown>>("history", { gid, recPerPage: 1, pageID: 1 }), ([message]) => message)

const everything = (client: Client, gid: string) => client.get<ReadonlyArray<Shown>>("history", { gid })

export const seesCreated: Read<string, Created> = (context) =>
  Effect.sync(() => {
    const bob = context.clientOf("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ gid, id, type, name, members }) {
      const pushed = yield* ears.pushed("create", gid, () => true)
      for (const chat of [pushed, yield* listed(bob, gid)]) {
        assert.deepInclude(chat, { gid, id, type, name })
        const known = members.flatMap((account) => (account.startsWith("guest") ? [] : [context.id(account)]))
        assert.includeMembers([...memberIds(chat)], known)
        assert.strictEqual(memberIds(chat).length, members.length)
      }
    })
  })

/** Whether the user's chat client has the profile of the 1.0 client, which gets further fields and other pushes. */
const isClient10 = ({ transport }: BridgeContext["Service"], account: string): boolean =>
  transport === "TCP" && (account === "bob" || account === PEER)

export const seesSent: Read<CellChat, Sent> = (context, target) =>
  Effect.sync(() => {
    const bob = context.clientOf("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ gid, by, contentType, content, json, atClient }) {
      const pushed = yield* ears.messages(gid, () => true)
      assert.deepInclude(pushed, { gid, cgid: target.gid, user: context.id(by), contentType })
      if (contentType === "text") assert.strictEqual(pushed?.content, content)
      else {
        const bare = isClient10(context, "bob") ? { send: true, size: 0, id: pushed?.id } : {}
        const file: object = json === undefined ? bare : (JSON.parse(json) as object)
        assert.deepInclude(JSON.parse(pushed?.content ?? ""), { url: content, ...file })
      }
      assert.deepEqual(yield* newest(bob, target.gid), pushed)
      assert.strictEqual(ears.count(gid), 1)
      // A sender through another protocol gets it at the own chat client too.
      const own = context.clientOf(by)
      if (atClient !== true) yield* own.until("one's own", () => own.delivered.some((message) => message.gid === gid))
    })
  })

/** The offline user gets it once, at the next login. */
export const findsSent: Read<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, content }) {
      const { delivered } = yield* context.reconnectFor(content)
      const found = delivered.filter((message) => message.gid === gid)
      assert.strictEqual(found.length, 1)
      assert.deepInclude(found[0], { cgid: target.gid, user: context.id(by), content })
    })
  )

export const seesRecalled: Read<CellChat, Recalled> = (context, target) =>
  Effect.sync(() => {
    const bob = context.clientOf("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ gid, content }) {
      const recipient = bob.delivered.find((message) => message.gid === gid)
      assert.strictEqual(recipient?.content, content)
      const emptied = yield* ears.messages(gid, ({ recalled }) => recalled === true)
      assert.deepStrictEqual([emptied?.id, emptied?.cgid, emptied?.content], [recipient?.id, target.gid, ""])
      assert.deepEqual(
        (yield* everything(bob, target.gid)).find((message) => message.gid === gid),
        emptied
      )
    })
  })

/** A message recalled while the user was offline is not delivered late, and is empty in the history. */
export const neverFindsRecalled: Read<CellChat, Recalled> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, content, next }) {
      const client = yield* context.reconnectFor(next)
      assert.isFalse(client.delivered.some((message) => message.content === content))
      const shown = (yield* everything(context.clientOf(target.lead), target.gid)).find(
        (message) => message.gid === gid
      )
      assert.deepInclude(shown, { content: "", recalled: true })
    })
  )

/** A recipient that was offline at the recall gets it at the next login. */
export const findsRecalled: Read<CellChat, Recalled> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, next }) {
      const { delivered } = yield* context.reconnectFor(next)
      const recipient = delivered.filter((message) => message.gid === gid)
      assert.strictEqual(recipient.length, 1)
      assert.deepInclude(recipient[0] as Shown, { content: "", recalled: true })
    })
  )

export const seesEdited: Read<CellChat, Edited> = (context, target) =>
  Effect.sync(() => {
    const bob = context.clientOf("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ gid, content }) {
      const recipient = bob.delivered.find((message) => message.gid === gid)
      const edited = yield* ears.messages(gid, (message) => message.content === content)
      assert.deepStrictEqual(edited, { ...recipient, content } as Shown)
      assert.deepEqual(
        (yield* everything(bob, target.gid)).find((message) => message.gid === gid),
        edited
      )
    })
  })

/** A recipient that was offline at the edit gets it at the next login. */
export const findsEdited: Read<CellChat, Edited> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, content }) {
      const { delivered } = yield* context.reconnectFor(content)
      const recipient = delivered.filter((message) => message.gid === gid)
      assert.deepStrictEqual(
        recipient.map((message) => message.content),
        [content]
      )
    })
  )

export const seesHidden: Read<CellChat, Hidden> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, notBy }) {
      const has = (account: string) =>
        Effect.map(everything(context.clientOf(account), target.gid), (all) =>
          all.some((message) => message.gid === gid)
        )
      assert.isFalse(yield* has(by))
      assert.isTrue(yield* has(notBy))
    })
  )

export const seesRenamed: Read<CellChat, Renamed> = (context, { gid }) =>
  Effect.sync(() => {
    const bob = context.clientOf("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ name }) {
      yield* ears.pushed("changeName", gid, (chat) => chat["name"] === name)
      assert.strictEqual((yield* listed(bob, gid))?.["name"], name)
    })
  })

/** Checks pushes to a permanent member and to the changed member, whose list then has the chat or not. */
const seesMoved =
  (who: string, method: string, isIn: boolean): Read<CellChat, Joined> =>
  (context, { gid }) =>
    Effect.sync(() => {
      const bob = context.clientOf("bob")
      const [ears, theirs] = [listening(bob), listening(context.clientOf(who))]
      return Effect.fnUntraced(function* ({ account, atClient }) {
        const id = context.id(account)
        assert.strictEqual(account, who)
        const moved = (chat: Fields): boolean => memberIds(chat).includes(id) === isIn
        yield* ears.pushed(isClient10(context, "bob") ? "addMember" : method, gid, moved)
        assert.strictEqual(memberIds(yield* listed(bob, gid)).includes(id), isIn)
        // The requesting client gets the reply instead.
        const ownLeave = isClient10(context, who) && !isIn
        if (atClient !== true) yield* theirs.pushed(ownLeave ? "joinChat" : method, gid, moved)
        assert.strictEqual((yield* listed(context.clientOf(who), gid)) !== undefined, isIn)
      })
    })
export const seesJoined = seesMoved(NEWCOMER, "addMember", true)
export const seesRemoved = seesMoved(LEAVER, "addMember", false)
export const seesLeft = seesMoved(LEAVER, "joinChat", false)
