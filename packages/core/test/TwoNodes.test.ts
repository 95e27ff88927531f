/**
 * Two engines on one store. Each test runs on a bus that delivers, and on one that loses every packet: then all changes reach
 * the other engine within two seconds.
 */
import { assert, describe, it } from "@effect/vitest"
import { defaultSettings } from "@parley/core/Settings"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { UserCaller as Caller } from "@parley/core/Event"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { eventOf } from "../src/api/Events.ts"
import { Chats, Members, Messages } from "./Commands.ts"
import { type Client, online, people } from "./harness.ts"
import { BUSES, makeCluster, type Node, on, turns } from "./twoNodes.ts"

const send = (node: Node, by: Caller, gid: string, chat = "g") =>
  on(node)(Effect.flatMap(Messages, (messages) => messages.send(by, [{ gid, chat: { gid: chat }, content: gid }])))

const texts = (client: Client, kind = "Posted") => client.of(kind).map(({ text }) => text)

describe.each(BUSES)("two nodes and $bus", ({ delivers, time }) => {
  /** The time within which a change on one node reaches the other. */
  const mend = Effect.andThen(TestClock.adjust(time), turns)

  /** Two nodes that have seen each other, with three users and a group of ann and ben. */
  const makeFixture = Effect.gen(function* () {
    const cluster = yield* makeCluster((packet) => (delivers ? [packet] : []))
    const { here } = cluster
    const [ann, ben, cat] = yield* on(here)(people("ann", "ben", "cat"))
    assert(ann && ben && cat)
    const { chat } = yield* on(here)(
      Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", name: "old", members: [ben.user] }))
    )
    yield* TestClock.adjust("2 seconds")
    return { ...cluster, ann, ben, cat, chat }
  })

  it.effect("F1: members of a new chat hear it and its messages, and so do added members", () =>
    Effect.gen(function* () {
      const { ann, ben, cat, here, there } = yield* makeFixture
      const [benThere, catThere] = [yield* on(there)(online(ben)), yield* on(there)(online(cat))]
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "new", members: [ben.user] })))
      yield* send(here, ann, "n1", "new")
      yield* mend
      yield* benThere.until(() => texts(benThere).includes("n1"))
      assert.strictEqual(benThere.of("Created").length, 1)
      yield* on(here)(Effect.flatMap(Members, (members) => members.add(ann, { gid: "new" }, [cat.user])))
      yield* send(here, ann, "n2", "new")
      yield* mend
      yield* catThere.until(() => texts(catThere).includes("n2"))
      yield* benThere.until(() => texts(benThere).includes("n2"))
      assert.deepStrictEqual([texts(benThere), texts(catThere)], [["n1", "n2"], ["n2"]])
      assert.deepStrictEqual([benThere.of("Changed").length, catThere.of("Changed").length], [1, 1])
    })
  )

  it.effect("users who are created on one node are announced to the clients of the other once", () =>
    Effect.gen(function* () {
      const { ben, here, there } = yield* makeFixture
      const { context } = yield* on(there)(Engine)
      const { newUsers } = yield* on(there)(Hub)
      yield* context.users.all
      yield* on(there)(online(ben))
      yield* on(here)(Effect.flatMap(Users, (users) => users.add([{ account: "eve" }, { account: "fay" }])))
      yield* mend
      assert.strictEqual(newUsers.count, 2)
      yield* on(here)(Effect.flatMap(Users, (users) => users.change("eve", { realname: "Eve" })))
      yield* on(here)(Effect.flatMap(Users, (users) => users.remove("fay")))
      yield* mend
      assert.strictEqual(newUsers.count, 2)
      assert.deepStrictEqual(
        (yield* context.users.all).map(({ realname }) => realname),
        ["ann", "ben", "cat", "Eve"]
      )
    })
  )

  it.effect("read marks and typing reach members on the other node, if the bus delivers", () =>
    Effect.gen(function* () {
      const { ann, ben, chat, here, there } = yield* makeFixture
      const benThere = yield* on(there)(online(ben))
      for (const { subscriber } of (yield* on(there)(Hub)).sessionsOf(ben.user)) {
        if (subscriber) subscriber.receivesTransient = true
      }
      const { perform } = yield* on(here)(Engine)
      yield* perform(ann, { _tag: "MarkRead", chat })
      yield* perform(ann, { _tag: "NotifyTyping", chat, typing: true })
      yield* mend
      yield* benThere.ask()
      const kinds = benThere.packets.map(({ kind }) => kind).filter((kind) => kind.endsWith("Event"))
      assert.deepStrictEqual(kinds, delivers ? ["ReadEvent", "TypingEvent"] : [])
      // The mark is stored in any case.
      const { marks } = yield* (yield* on(there)(Engine)).perform(ben, { _tag: "ListReadMarks", chat })
      assert.deepInclude(marks[0], { user: ann.user, read: 1 })
    })
  )

  it.effect("F2, F3: a removed member hears nothing more, and cannot read the chat", () =>
    Effect.gen(function* () {
      const { ann, ben, here, there } = yield* makeFixture
      const benThere = yield* on(there)(online(ben))
      yield* send(here, ann, "a1")
      yield* mend
      yield* benThere.until(() => texts(benThere).includes("a1"))
      yield* on(here)(Effect.flatMap(Members, (members) => members.remove(ann, { gid: "g" }, [ben.user])))
      yield* mend
      yield* benThere.until(() => benThere.of("Changed").length === 1)
      yield* send(here, ann, "secret")
      yield* TestClock.adjust("5 seconds")
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
      const { ann, ben, here, there } = yield* makeFixture
      const benThere = yield* on(there)(online(ben))
      yield* on(here)(Effect.flatMap(Members, (members) => members.remove(ann, { gid: "g" }, [ben.user])))
      yield* send(here, ann, "secret")
      yield* TestClock.adjust("5 seconds")
      yield* benThere.until(() => benThere.of("Changed").length === 1)
      yield* benThere.ask()
      assert.deepStrictEqual(texts(benThere), [])
    })
  )

  it.effect("F4: members hear a new name of a chat, and read it", () =>
    Effect.gen(function* () {
      const { ann, ben, here, there } = yield* makeFixture
      const benThere = yield* on(there)(online(ben))
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.rename(ann, { gid: "g" }, "new")))
      yield* mend
      yield* benThere.until(() => texts(benThere, "Changed").includes("new"))
      const { chat } = yield* on(there)(Effect.flatMap(Chats, (chats) => chats.read(ben, { gid: "g" })))
      assert.strictEqual(chat.name, "new")
      assert.deepStrictEqual(texts(benThere, "Changed"), ["new"])
    })
  )

  it.effect.each([true, false])("F5: history and lists end with the newest message (connected: %s)", (connected) =>
    Effect.gen(function* () {
      const { ann, ben, here, there } = yield* makeFixture
      if (connected) yield* on(there)(online(ben))
      const read = on(there)(Effect.flatMap(Messages, (messages) => messages.history(ben, { gid: "g" })))
      yield* send(here, ann, "a1")
      yield* mend
      yield* read
      yield* send(here, ann, "a2")
      yield* send(here, ann, "a3")
      yield* mend
      assert.deepStrictEqual(
        (yield* read).messages.map(({ content }) => content),
        ["a3", "a2", "a1"]
      )
      const [view] = yield* on(there)(Effect.flatMap(Chats, (chats) => chats.list(ben)))
      assert.strictEqual(view?.head.posted, 3)
    })
  )

  it.effect("F6: a disabled user has no session and sends nothing", () =>
    Effect.gen(function* () {
      const { ben, here, there } = yield* makeFixture
      const { token } = yield* on(there)(Effect.flatMap(Sessions, (sessions) => sessions.issue(ben.user, "token")))
      const benThere = yield* on(there)(online(ben))
      yield* send(there, ben, "b1")
      yield* on(here)(Effect.flatMap(Users, (users) => users.setDisabled("ben", true)))
      yield* mend
      yield* benThere.until(benThere.ended)
      assert.isUndefined(yield* on(there)(Effect.flatMap(Sessions, (sessions) => sessions.resume(token))))
      const refused = yield* Effect.flip(send(there, ben, "b2"))
      assert.strictEqual(refused.reason._tag, "NotLoggedIn")
      yield* on(here)(Effect.flatMap(Users, (users) => users.setDisabled("ben", false)))
      yield* mend
      yield* send(there, ben, "b3")
    })
  )

  it.effect("F7: an ended session is not valid, and its connections are closed", () =>
    Effect.gen(function* () {
      const { ann, here, there } = yield* makeFixture
      const sessions = on(there)(Sessions)
      const { token } = yield* Effect.flatMap(sessions, (all) => all.issue(ann.user, "token"))
      const annThere = yield* on(there)(online(ann))
      assert.isDefined(yield* Effect.flatMap(sessions, (all) => all.resume(token)))
      yield* on(here)(Effect.flatMap(Sessions, (all) => all.endAll(ann.user)))
      yield* mend
      yield* annThere.until(annThere.ended)
      assert.deepStrictEqual(annThere.of("takenOver"), [])
      assert.isUndefined(yield* Effect.flatMap(sessions, (all) => all.resume(token)))
    })
  )

  it.effect("F8: a chat login takes over the connection of the earlier one", () =>
    Effect.gen(function* () {
      const { ann, here, there } = yield* makeFixture
      const annHere = yield* on(here)(online(ann))
      const annThere = yield* on(there)(online(ann))
      yield* mend
      yield* annHere.until(() => annHere.of("takenOver").length === 1)
      const connections = (node: Node) => on(node)(Effect.map(Hub, (hub) => hub.sessionsOf(ann.user).length))
      assert.deepStrictEqual([yield* connections(here), yield* connections(there)], [0, 1])
      yield* TestClock.adjust("10 seconds")
      yield* annHere.until(annHere.ended)
      assert.isFalse(annThere.ended())
    })
  )

  it.effect("F9: presence is that of all nodes, and its events are heard on all of them", () =>
    Effect.gen(function* () {
      const { ann, ben, here, there } = yield* makeFixture
      const annHere = yield* on(here)(online(ann))
      const benThere = yield* on(there)(online(ben))
      yield* benThere.announce("login")
      yield* mend
      yield* annHere.until(() => texts(annHere, "login").includes("ben"))
      const statuses = (node: Node) =>
        on(node)(
          Effect.map(
            Effect.flatMap(Users, (users) => users.list),
            (all) => all.map(({ status }) => status)
          )
        )
      assert.deepStrictEqual(yield* statuses(here), ["online", "online", "offline"])
      assert.deepStrictEqual(yield* statuses(there), ["online", "online", "offline"])
      assert.isTrue(yield* on(here)(Effect.map(Hub, (hub) => hub.isOnline(ben.user))))
      yield* on(there)(Effect.flatMap(Engine, ({ perform }) => perform(ben, { _tag: "ChangeStatus", status: "away" })))
      yield* mend
      yield* annHere.until(() => texts(annHere, "status").includes("ben"))
      assert.deepStrictEqual(yield* statuses(here), ["online", "away", "offline"])
      yield* benThere.announce("logout")
      yield* mend
      yield* annHere.until(() => texts(annHere, "logout").includes("ben"))
      assert.deepStrictEqual(yield* statuses(here), ["online", "offline", "offline"])
      assert.isFalse(yield* on(here)(Effect.map(Hub, (hub) => hub.isOnline(ben.user))))
      assert.deepStrictEqual([texts(annHere, "login"), texts(annHere, "logout")], [["ben"], ["ben"]])
    })
  )

  it.effect("F10: the last message is heard, though its packet is lost", () =>
    Effect.gen(function* () {
      let lost = false
      const { here, there } = yield* makeCluster((packet) => {
        const isLost = delivers ? lost && packet.includes('"last"') : true
        return isLost ? [] : [packet]
      })
      const [ann, ben] = yield* on(here)(people("ann", "ben"))
      assert(ann && ben)
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", members: [ben.user] })))
      yield* TestClock.adjust("2 seconds")
      const benThere = yield* on(there)(online(ben))
      yield* send(here, ann, "first")
      yield* mend
      yield* benThere.until(() => texts(benThere).includes("first"))
      lost = true
      yield* send(here, ann, "last")
      yield* TestClock.adjust("2 seconds")
      yield* benThere.until(() => texts(benThere).includes("last"))
      assert.deepStrictEqual(texts(benThere), ["first", "last"])
    })
  )

  it.effect("F11: an acknowledged message of the other node is not looked up, and on a bus nothing is read", () =>
    Effect.gen(function* () {
      const { ann, ben, here, reads, there } = yield* makeFixture
      const benThere = yield* on(there)(online(ben))
      yield* send(here, ann, "a1")
      yield* mend
      yield* benThere.until(() => texts(benThere).includes("a1"))
      reads.clear()
      for (const gid of ["a2", "a3"]) yield* send(here, ann, gid)
      yield* mend
      yield* benThere.until(() => texts(benThere).includes("a3"))
      const [, a2, a3] = benThere.of("Posted")
      assert(a2 && a3)
      yield* benThere.acknowledge(a2.id, a3.id)
      assert.isUndefined(reads.get("locate"))
      if (delivers) assert.deepStrictEqual([...reads], [])
    })
  )

  it.effect("F12: events of an embedder tell what the other node did", () =>
    Effect.gen(function* () {
      const { ann, ben, here, there } = yield* makeFixture
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
      yield* Effect.andThen(TestClock.adjust("2 seconds"), turns)
      assert.deepStrictEqual(
        [...events].sort(),
        [...(delivers ? ["a1"] : []), "a2", "b1", "changed g", "created h", "recalled g", "user Ann"].sort()
      )
    })
  )

  it.effect("replacements and recalls are heard, and on a bus without a read", () =>
    Effect.gen(function* () {
      const { ann, ben, here, reads, there } = yield* makeFixture
      const benThere = yield* on(there)(online(ben))
      const image = (content: string) =>
        on(here)(
          Effect.flatMap(Messages, (messages) =>
            messages.send(ann, [{ gid: "i", chat: { gid: "g" }, contentType: "image", content }])
          )
        )
      yield* image("placeholder")
      yield* mend
      yield* benThere.until(() => texts(benThere).includes("placeholder"))
      reads.clear()
      yield* image("pixels")
      yield* on(here)(Effect.flatMap(Messages, (messages) => messages.recall(ann, "i")))
      // The deciding node reads the message; the other one does not.
      const read = [...reads.values()].reduce((sum, calls) => sum + calls, 0)
      yield* mend
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

  it.effect("new, changed and removed users are in the lists of both nodes", () =>
    Effect.gen(function* () {
      const { ann, ben, here, there } = yield* makeFixture
      const names = on(there)(
        Effect.map(
          Effect.flatMap(Users, (users) => users.list),
          (all) => all.map(({ realname }) => realname)
        )
      )
      assert.deepStrictEqual(yield* names, ["ann", "ben", "cat"])
      const benThere = yield* on(there)(online(ben))
      yield* on(here)(people("dan"))
      yield* on(here)(Effect.flatMap(Users, (users) => users.change("ann", { realname: "Ann" })))
      yield* on(here)(Effect.flatMap(Users, (users) => users.remove("cat")))
      yield* mend
      yield* benThere.until(() => benThere.of("renamed").some(({ text }) => text === "ann"))
      assert.deepStrictEqual(yield* names, ["Ann", "ben", "dan"])
      assert.isUndefined(yield* on(there)(Effect.flatMap(Users, (users) => users.byAccount("cat"))))
      yield* on(there)(Effect.flatMap(Engine, ({ perform }) => perform(ann, { _tag: "RenameUser", name: "Anna" })))
      yield* mend
      const [first] = yield* on(here)(Effect.flatMap(Users, (users) => users.list))
      assert.strictEqual(first?.realname, "Anna")
      yield* benThere.ask()
      assert.strictEqual(benThere.of("renamed").filter(({ text }) => text === "ann").length, 2)
    })
  )

  it.effect("the allowed failed logins are those of all nodes together", () =>
    Effect.gen(function* () {
      const { here, there } = yield* makeFixture
      const fail = (node: Node) =>
        on(node)(
          Effect.flatMap(Sessions, (sessions) =>
            Effect.flip(
              sessions.login({
                account: "ann",
                secret: "0".repeat(32),
                kind: "token",
                device: "",
                address: "192.0.2.1"
              })
            )
          )
        )
      const reasons: Array<string> = []
      for (let n = 0; n < defaultSettings.loginAttempts; n++) {
        for (const node of [here, there]) reasons.push((yield* fail(node)).reason._tag)
      }
      const wrong = reasons.filter((reason) => reason === "WrongPassword").length
      assert.strictEqual(wrong, 2 * Math.ceil(defaultSettings.loginAttempts / 2))
    })
  )
})
