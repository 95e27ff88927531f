/** xuanxuan: actions of a chat client, and their effect at the clients of the other members. Source: seeds/002. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Client, type Message, newGid } from "../clients.ts"
import { LEAVER, NEWCOMER, type Place } from "./Place.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Hidden, Joined, Recalled, Renamed, Sent, Taken } from "./actions.ts"
import { type Fields, fresh, type World } from "./context.ts"

/** A message of this protocol, with fields that small clients ignore. */
type Shown = Message & { readonly contentType: string; readonly recalled?: boolean }

const say = (client: Client, place: Place, contentType: string, content: unknown) =>
  client.get<ReadonlyArray<Shown>>("message", [{ gid: newGid(), cgid: place.gid, contentType, content }])

/** Sends a text to a chat; returns its gid. */
export const sayIn = (world: World["Service"], place: Place, content: string, contentType = "text") =>
  Effect.map(
    say(world.desk(place.lead), place, contentType, contentType === "text" ? content : { url: content }),
    ([stored]) => stored?.gid ?? ""
  )

const sends =
  (contentType: "text" | "image"): Send<Place, Sent> =>
  (world, place) =>
    Effect.succeed(
      Effect.gen(function* () {
        const content =
          contentType === "text" ? fresh("said by a chat client") : `https://example.org/x.png?${fresh("n")}`
        const gid = yield* sayIn(world, place, content, contentType)
        return { gid, by: place.lead, contentType, content, atClient: true }
      })
    )
export const sendText = sends("text")
export const sendImage = sends("image")

export const createGroup: Send<string, Created> = (world, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const members = ["bob", "erin"]
      const name = fresh("made by a chat client")
      const chat = yield* world.desk(creator).get<Fields>("create", {
        gid: newGid(),
        name,
        type: "group",
        members: members.map((account) => ({ id: world.id(account) }))
      })
      return { gid: String(chat["gid"]), id: Number(chat["id"]), type: "group", name, members: [creator, ...members] }
    })
  )

export const createPair: Send<string, Created> = (world, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const members = [{ id: world.id(creator) }, { id: world.id("bob") }]
      const chat = yield* world
        .desk(creator)
        .get<Fields>("create", { gid: newGid(), name: "", type: "one2one", members })
      return { gid: String(chat["gid"]), id: Number(chat["id"]), type: "one2one", name: "", members: [creator, "bob"] }
    })
  )

export const rename: Send<Place, Renamed> = (world, { gid, lead }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by a chat client")
      yield* world.desk(lead).get("changename", { id: gid, name })
      return { name }
    })
  )

const moves =
  (account: string, join: boolean): Send<Place, Joined> =>
  (world, { gid, lead }) =>
    Effect.succeed(
      Effect.as(world.desk(lead).get("addmember", { gid, members: [{ id: world.id(account) }], join }), { account })
    )
export const addMember = moves(NEWCOMER, true)
export const removeMember = moves(LEAVER, false)

export const leave: Send<Place, Joined> = (world, { gid }) =>
  Effect.succeed(
    Effect.as(world.desk(LEAVER).get("joinchat", { gid, join: false }), { account: LEAVER, atClient: true })
  )

/** Connects a chat client and gets the offline queue. */
export const takeDelivery: Send<Place, Taken> = (world, place) =>
  Effect.gen(function* () {
    const content = fresh("waits to be taken")
    const gid = yield* sayIn(world, place, content)
    return Effect.as(world.comesBackFor(content), { gid })
  })

/** Returns the packets that a client receives from now on. */
const listening = (client: Client) => {
  const from = client.heard.length
  const pushed = (method: string, gid: string): ReadonlyArray<Fields> =>
    client.heard
      .slice(from)
      .filter((packet) => packet.result === undefined && packet.method === method)
      .map(({ data }) => data as Fields)
      .filter((data) => data["gid"] === gid)
  const messages = (gid: string): ReadonlyArray<Shown> =>
    client.heard
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

export const seesCreated: Read<string, Created> = (world) =>
  Effect.sync(() => {
    const bob = world.desk("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ gid, id, type, name, members }) {
      const pushed = yield* ears.pushed("create", gid, () => true)
      for (const chat of [pushed, yield* listed(bob, gid)]) {
        assert.deepInclude(chat, { gid, id, type, name })
        const known = members.flatMap((account) => (account.startsWith("guest") ? [] : [world.id(account)]))
        assert.includeMembers([...memberIds(chat)], known)
        assert.strictEqual(memberIds(chat).length, members.length)
      }
    })
  })

const contentAs = (contentType: string, content: string): string =>
  contentType === "text" ? content : JSON.stringify({ url: content })

export const seesSent: Read<Place, Sent> = (world, place) =>
  Effect.sync(() => {
    const bob = world.desk("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ gid, by, contentType, content, atClient }) {
      const wanted = {
        gid,
        cgid: place.gid,
        user: world.id(by),
        contentType,
        content: contentAs(contentType, content)
      }
      const pushed = yield* ears.messages(gid, () => true)
      assert.deepInclude(pushed, wanted)
      assert.deepEqual(yield* newest(bob, place.gid), pushed)
      assert.strictEqual(ears.count(gid), 1)
      // A sender through another protocol gets it at the own chat client too.
      const own = world.desk(by)
      if (atClient !== true) yield* own.until("one's own", () => own.delivered.some((message) => message.gid === gid))
    })
  })

/** The offline user gets it once, at the next login. */
export const findsSent: Read<Place, Sent> = (world, place) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, content }) {
      const { delivered } = yield* world.comesBackFor(content)
      const found = delivered.filter((message) => message.gid === gid)
      assert.strictEqual(found.length, 1)
      assert.deepInclude(found[0], { cgid: place.gid, user: world.id(by), content })
    })
  )

export const seesRecalled: Read<Place, Recalled> = (world, place) =>
  Effect.sync(() => {
    const bob = world.desk("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ gid, content }) {
      const told = bob.delivered.find((message) => message.gid === gid)
      assert.strictEqual(told?.content, content)
      const emptied = yield* ears.messages(gid, ({ recalled }) => recalled === true)
      assert.deepStrictEqual([emptied?.id, emptied?.cgid, emptied?.content], [told?.id, place.gid, ""])
      assert.deepEqual(
        (yield* everything(bob, place.gid)).find((message) => message.gid === gid),
        emptied
      )
    })
  })

/** A message recalled while the user was offline is not delivered late, and is empty in the history. */
export const neverFindsRecalled: Read<Place, Recalled> = (world, place) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, content, next }) {
      const client = yield* world.comesBackFor(next)
      assert.isFalse(client.delivered.some((message) => message.content === content))
      const shown = (yield* everything(world.desk(place.lead), place.gid)).find((message) => message.gid === gid)
      assert.deepInclude(shown, { content: "", recalled: true })
    })
  )

/** A recipient that was offline at the recall gets it at the next login. */
export const findsRecalled: Read<Place, Recalled> = (world) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, next }) {
      const { delivered } = yield* world.comesBackFor(next)
      const told = delivered.filter((message) => message.gid === gid)
      assert.strictEqual(told.length, 1)
      assert.deepInclude(told[0] as Shown, { content: "", recalled: true })
    })
  )

export const seesHidden: Read<Place, Hidden> = (world, place) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, notBy }) {
      const has = (account: string) =>
        Effect.map(everything(world.desk(account), place.gid), (all) => all.some((message) => message.gid === gid))
      assert.isFalse(yield* has(by))
      assert.isTrue(yield* has(notBy))
    })
  )

export const seesRenamed: Read<Place, Renamed> = (world, { gid }) =>
  Effect.sync(() => {
    const bob = world.desk("bob")
    const ears = listening(bob)
    return Effect.fnUntraced(function* ({ name }) {
      yield* ears.pushed("changeName", gid, (chat) => chat["name"] === name)
      assert.strictEqual((yield* listed(bob, gid))?.["name"], name)
    })
  })

/** Checks pushes to a permanent member and to the changed member, whose list then has the chat or not. */
const seesMoved =
  (who: string, method: string, isIn: boolean): Read<Place, Joined> =>
  (world, { gid }) =>
    Effect.sync(() => {
      const bob = world.desk("bob")
      const [ears, theirs] = [listening(bob), listening(world.desk(who))]
      return Effect.fnUntraced(function* ({ account, atClient }) {
        const id = world.id(account)
        assert.strictEqual(account, who)
        const moved = (chat: Fields): boolean => memberIds(chat).includes(id) === isIn
        yield* ears.pushed(method, gid, moved)
        assert.strictEqual(memberIds(yield* listed(bob, gid)).includes(id), isIn)
        // The requesting client gets the reply instead.
        if (atClient !== true) yield* theirs.pushed(method, gid, moved)
        assert.strictEqual((yield* listed(world.desk(who), gid)) !== undefined, isIn)
      })
    })
export const seesJoined = seesMoved(NEWCOMER, "addMember", true)
export const seesRemoved = seesMoved(LEAVER, "addMember", false)
export const seesLeft = seesMoved(LEAVER, "joinChat", false)
