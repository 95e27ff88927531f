/** Chats of two engines on one store. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { eventOf, pushOf } from "../src/api/Events.ts"
import { Chats, Members, Messages } from "./Commands.ts"
import { online, people } from "./harness.ts"
import { makeCluster, makePeople, on, send, texts, type TwoNodes } from "./twoNodes.ts"

/** Describes chats of two nodes on a bus. */
export const describeChats = (nodes: TwoNodes): void => {
  const { delivers, time } = nodes
  const makeFixture = makePeople(nodes)

  describe(`chats of two nodes and ${nodes.bus}`, () => {
    it.effect("F1: members of a new chat hear it and its messages, and so do added members", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, cat, here, there } = yield* makeFixture
        const [benThere, catThere] = [yield* on(there)(online(ben)), yield* on(there)(online(cat))]
        yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "new", members: [ben.user] })))
        yield* send(here, ann, "n1", "new")
        yield* advance(time)
        yield* benThere.until(() => texts(benThere).includes("n1"))
        assert.strictEqual(benThere.of("Created").length, 1)
        yield* on(here)(Effect.flatMap(Members, (members) => members.add(ann, { gid: "new" }, [cat.user])))
        yield* send(here, ann, "n2", "new")
        yield* advance(time)
        yield* catThere.until(() => texts(catThere).includes("n2"))
        yield* benThere.until(() => texts(benThere).includes("n2"))
        assert.deepStrictEqual([texts(benThere), texts(catThere)], [["n1", "n2"], ["n2"]])
        assert.deepStrictEqual([benThere.of("Changed").length, catThere.of("Changed").length], [1, 1])
      })
    )

    it.effect("marks, receipts, typing and transient messages reach the other node, if the bus delivers", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, chat, here, there } = yield* makeFixture
        const benThere = yield* on(there)(online(ben))
        for (const { subscriber } of (yield* on(there)(Hub)).sessionsOf(ben.user)) {
          if (subscriber) subscriber.receivesTransient = true
        }
        const { perform } = yield* on(here)(Engine)
        yield* perform(ann, { _tag: "MarkRead", chat })
        yield* perform(ann, { _tag: "ConfirmDelivery", chat, upTo: 1 })
        yield* perform(ann, { _tag: "NotifyTyping", chat, typing: true })
        yield* perform(ann, { _tag: "SendTransient", chat, contentType: "text", content: "nodding" })
        yield* advance(time)
        yield* benThere.ask()
        const kinds = benThere.packets.map(({ kind }) => kind).filter((kind) => kind.endsWith("Event"))
        assert.deepStrictEqual(
          kinds,
          delivers ? ["ReadEvent", "DeliveredEvent", "TypingEvent", "TransientMessageEvent"] : []
        )
        const { users } = (yield* on(there)(Engine)).context
        users.clear()
        yield* perform(ann, { _tag: "SendTransient", chat, contentType: "text", content: "and again" })
        yield* advance(time)
        yield* benThere.ask()
        const messages = benThere.packets.filter(({ kind }) => kind === "TransientMessageEvent")
        assert.lengthOf(messages, delivers ? 2 : 0)
        assert.strictEqual(users.getCached(ann.user) !== undefined, delivers, "a protocol can name the sender")
        // The mark is stored in any case.
        const { marks } = yield* (yield* on(there)(Engine)).perform(ben, { _tag: "ListReadMarks", chat })
        assert.deepInclude(marks[0], { user: ann.user, read: 1 })
      })
    )

    it.effect("F2, F3: a removed member hears nothing more, and cannot read the chat", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
        const benThere = yield* on(there)(online(ben))
        yield* send(here, ann, "a1")
        yield* advance(time)
        yield* benThere.until(() => texts(benThere).includes("a1"))
        yield* on(here)(Effect.flatMap(Members, (members) => members.remove(ann, { gid: "g" }, [ben.user])))
        yield* advance(time)
        yield* benThere.until(() => benThere.of("Changed").length === 1)
        yield* send(here, ann, "secret")
        yield* advance("5 seconds")
        yield* benThere.ask()
        assert.deepStrictEqual(texts(benThere), ["a1"])
        const refused = yield* Effect.flip(
          on(there)(Effect.flatMap(Messages, (messages) => messages.history(ben, { gid: "g" })))
        )
        assert.strictEqual(refused.reason._tag, "NoSuchChat")
      })
    )

    it.effect("F2: a member who is removed and reads nothing until then hears no message sent afterwards", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
        const benThere = yield* on(there)(online(ben))
        yield* on(here)(Effect.flatMap(Members, (members) => members.remove(ann, { gid: "g" }, [ben.user])))
        yield* send(here, ann, "secret")
        yield* advance("5 seconds")
        yield* benThere.until(() => benThere.of("Changed").length === 1)
        yield* benThere.ask()
        assert.deepStrictEqual(texts(benThere), [])
      })
    )

    it.effect("members are added, removed and heard at once on a node that has not heard of the last change", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
        const chat = { gid: "g" }
        const remove = Effect.flatMap(Members, (members) => members.remove(ann, chat, [ben.user]))
        const add = Effect.flatMap(Members, (members) => members.add(ann, chat, [ben.user]))
        const isMember = on(there)(
          Effect.map(
            Effect.flatMap(Members, (members) => members.list(ann, chat)),
            (all) => all.some(({ id }) => id === ben.user)
          )
        )
        // The other node has the chat in memory.
        assert.isTrue(yield* isMember)
        yield* on(here)(remove)
        yield* on(there)(add)
        assert.isTrue(yield* isMember)
        yield* on(here)(remove)
        yield* on(here)(add)
        yield* on(there)(remove)
        assert.isFalse(yield* isMember)
        yield* on(here)(add)
        yield* send(there, ben, "not refused")
        const benThere = yield* on(there)(online(ben))
        yield* send(here, ann, "to a member")
        yield* advance(time)
        yield* benThere.until(() => texts(benThere).includes("to a member"))
      })
    )

    it.effect("F4: members hear a new name of a chat, and read it", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
        const benThere = yield* on(there)(online(ben))
        yield* on(here)(Effect.flatMap(Chats, (chats) => chats.rename(ann, { gid: "g" }, "new")))
        yield* advance(time)
        yield* benThere.until(() => texts(benThere, "Changed").includes("new"))
        const { chat } = yield* on(there)(Effect.flatMap(Chats, (chats) => chats.read(ben, { gid: "g" })))
        assert.strictEqual(chat.name, "new")
        assert.deepStrictEqual(texts(benThere, "Changed"), ["new"])
      })
    )

    it.effect.each([true, false])("F5: history and lists end with the newest message (connected: %s)", (connected) =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
        if (connected) yield* on(there)(online(ben))
        const read = on(there)(Effect.flatMap(Messages, (messages) => messages.history(ben, { gid: "g" })))
        yield* send(here, ann, "a1")
        yield* advance(time)
        yield* read
        yield* send(here, ann, "a2")
        yield* send(here, ann, "a3")
        yield* advance(time)
        assert.deepStrictEqual(
          (yield* read).messages.map(({ content }) => content),
          ["a3", "a2", "a1"]
        )
        const [view] = yield* on(there)(Effect.flatMap(Chats, (chats) => chats.list(ben)))
        assert.strictEqual(view?.head.posted, 3)
      })
    )

    it.effect("F10: the last message is heard, though its packet is lost", () =>
      Effect.gen(function* () {
        let lost = false
        const { advance, here, there } = yield* makeCluster(
          (packet) => {
            const isLost = delivers ? lost && packet.includes('"last"') : true
            return isLost ? [] : [packet]
          },
          Layer.empty,
          nodes.transport
        )
        const [ann, ben] = yield* on(here)(people("ann", "ben"))
        assert(ann && ben)
        yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", members: [ben.user] })))
        yield* advance("2 seconds")
        const benThere = yield* on(there)(online(ben))
        yield* send(here, ann, "first")
        yield* advance(time)
        yield* benThere.until(() => texts(benThere).includes("first"))
        lost = true
        yield* send(here, ann, "last")
        yield* advance("2 seconds")
        yield* benThere.until(() => texts(benThere).includes("last"))
        assert.deepStrictEqual(texts(benThere), ["first", "last"])
      })
    )

    it.effect("F11: an acknowledged message of the other node is not looked up, and on a bus nothing is read", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, reads, there } = yield* makeFixture
        const benThere = yield* on(there)(online(ben))
        yield* send(here, ann, "a1")
        yield* advance(time)
        yield* benThere.until(() => texts(benThere).includes("a1"))
        reads.clear()
        for (const gid of ["a2", "a3"]) yield* send(here, ann, gid)
        yield* advance(time)
        yield* benThere.until(() => texts(benThere).includes("a3"))
        const [, a2, a3] = benThere.of("Posted")
        assert(a2 && a3)
        yield* benThere.acknowledge(a2.id, a3.id)
        assert.isUndefined(reads.get("locate"))
        if (delivers) assert.deepStrictEqual([...reads], [])
      })
    )

    it.effect("data for push notifications are an event of the sender's node alone", () =>
      Effect.gen(function* () {
        const { advance, ann, chat, here, there } = yield* makeFixture
        const events: Array<string> = []
        for (const [name, node] of [
          ["here", here],
          ["there", there]
        ] as const) {
          yield* on(node)(
            Effect.map(Hub, (hub) =>
              hub.observe({
                broadcast: (broadcast) => {
                  const push = pushOf(broadcast, (user) => hub.isOnline(user))
                  if (push !== undefined) events.push(`${name} ${push.pushData}`)
                  else if (eventOf(broadcast)?.type === "message") events.push(name)
                }
              })
            )
          )
        }
        const { perform } = yield* on(here)(Engine)
        const draft = {
          gid: "p1",
          chat,
          type: "normal",
          contentType: "text",
          content: "tea",
          pushData: "data"
        } as const
        yield* perform(ann, { _tag: "SendMessages", messages: [draft] })
        yield* advance("2 seconds")
        assert.deepStrictEqual(events, ["here data", "there"])
      })
    )

    it.effect("F12: events of an embedder tell what the other node did", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
        const events: Array<string> = []
        yield* on(there)(
          Effect.map(Hub, (hub) =>
            hub.observe({
              broadcast: (broadcast) => {
                const event = eventOf(broadcast)
                if (event !== undefined) {
                  events.push(
                    event.type === "message"
                      ? event.message.content
                      : `${event.type} ${event.type === "user" ? event.user.realname : event.chat.gid}`
                  )
                }
              }
            })
          )
        )
        yield* send(here, ann, "a1")
        yield* send(there, ben, "b1")
        yield* send(here, ann, "a2")
        yield* on(here)(Effect.flatMap(Chats, (chats) => chats.rename(ann, { gid: "g" }, "new")))
        yield* on(here)(Effect.flatMap(Messages, (messages) => messages.recall(ann, "a1")))
        yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "h", members: [ben.user] })))
        yield* on(here)(Effect.flatMap(Engine, ({ perform }) => perform(ann, { _tag: "RenameUser", name: "Ann" })))
        yield* advance("2 seconds")
        assert.deepStrictEqual(
          [...events].sort(),
          [...(delivers ? ["a1"] : []), "a2", "b1", "changed g", "created h", "recalled g", "user Ann"].sort()
        )
      })
    )

    it.effect("replacements and recalls are heard, and on a bus without a read", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, reads, there } = yield* makeFixture
        const benThere = yield* on(there)(online(ben))
        const image = (content: string) =>
          on(here)(
            Effect.flatMap(Messages, (messages) =>
              messages.send(ann, [{ gid: "i", chat: { gid: "g" }, contentType: "image", content }])
            )
          )
        yield* image("placeholder")
        yield* advance(time)
        yield* benThere.until(() => texts(benThere).includes("placeholder"))
        reads.clear()
        yield* image("pixels")
        yield* on(here)(Effect.flatMap(Messages, (messages) => messages.recall(ann, "i")))
        // The deciding node reads the message; the other one does not.
        const read = [...reads.values()].reduce((sum, calls) => sum + calls, 0)
        yield* advance(time)
        yield* benThere.until(() => benThere.of("Recalled").length === 1)
        if (delivers) {
          assert.deepStrictEqual(texts(benThere, "Replaced"), ["pixels"])
          assert.strictEqual(
            [...reads.values()].reduce((sum, calls) => sum + calls, 0),
            read
          )
        }
      })
    )
  })
}
