/** Users of two engines on one store. */
import { assert, describe, it } from "@effect/vitest"
import { defaultSettings } from "@parley/core/Settings"
import { Effect } from "effect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { online, people } from "./harness.ts"
import { makePeople, type Node, on, send, texts, type TwoNodes } from "./twoNodes.ts"

/** Describes users of two nodes on a bus. */
export const describeUsers = (nodes: TwoNodes): void => {
  const { time } = nodes
  const makeFixture = makePeople(nodes)

  describe(`users of two nodes and ${nodes.bus}`, () => {
    it.effect("users who are created on one node are announced to the clients of the other once", () =>
      Effect.gen(function* () {
        const { advance, ben, here, there } = yield* makeFixture
        const { context } = yield* on(there)(Engine)
        const { newUsers } = yield* on(there)(Hub)
        yield* context.users.all
        yield* on(there)(online(ben))
        yield* on(here)(Effect.flatMap(Users, (users) => users.add([{ account: "eve" }, { account: "fay" }])))
        yield* advance(time)
        assert.strictEqual(newUsers.count, 2)
        yield* on(here)(Effect.flatMap(Users, (users) => users.change("eve", { realname: "Eve" })))
        yield* on(here)(Effect.flatMap(Users, (users) => users.remove("fay")))
        yield* advance(time)
        assert.strictEqual(newUsers.count, 2)
        assert.deepStrictEqual(
          (yield* context.users.all).map(({ realname }) => realname),
          ["ann", "ben", "cat", "Eve"]
        )
      })
    )

    it.effect("F6: a disabled user has no session and sends nothing", () =>
      Effect.gen(function* () {
        const { advance, ben, here, there } = yield* makeFixture
        const { token } = yield* on(there)(Effect.flatMap(Sessions, (sessions) => sessions.issue(ben.user, "token")))
        const benThere = yield* on(there)(online(ben))
        yield* send(there, ben, "b1")
        yield* on(here)(Effect.flatMap(Users, (users) => users.setDisabled("ben", true)))
        // The commit checks the sender, before this node has read the journal.
        const early = yield* Effect.flip(send(there, ben, "too late"))
        assert.strictEqual(early.reason._tag, "NotLoggedIn")
        yield* advance(time)
        yield* benThere.until(benThere.ended)
        assert.isUndefined(yield* on(there)(Effect.flatMap(Sessions, (sessions) => sessions.resume(token))))
        const refused = yield* Effect.flip(send(there, ben, "b2"))
        assert.strictEqual(refused.reason._tag, "NotLoggedIn")
        yield* on(here)(Effect.flatMap(Users, (users) => users.setDisabled("ben", false)))
        yield* advance(time)
        yield* send(there, ben, "b3")
      })
    )

    it.effect("F7: an ended session is not valid, and its connections are closed", () =>
      Effect.gen(function* () {
        const { advance, ann, here, there } = yield* makeFixture
        const sessions = on(there)(Sessions)
        const { token } = yield* Effect.flatMap(sessions, (all) => all.issue(ann.user, "token"))
        const annThere = yield* on(there)(online(ann))
        assert.isDefined(yield* Effect.flatMap(sessions, (all) => all.resume(token)))
        yield* on(here)(Effect.flatMap(Sessions, (all) => all.endAll(ann.user)))
        yield* advance(time)
        yield* annThere.until(annThere.ended)
        assert.deepStrictEqual(annThere.of("takenOver"), [])
        assert.isUndefined(yield* Effect.flatMap(sessions, (all) => all.resume(token)))
      })
    )

    it.effect("a session that is resumed on the other node is taken over there, and back again", () =>
      Effect.gen(function* () {
        const { advance, ann, here, there } = yield* makeFixture
        const { token } = yield* on(here)(Effect.flatMap(Sessions, (sessions) => sessions.issue(ann.user, "chat")))
        yield* advance("2 seconds")
        const connections = (node: Node) => on(node)(Effect.map(Hub, (hub) => hub.sessionsOf(ann.user).length))
        for (const [index, node] of [here, there, here, there].entries()) {
          const before = index === 0 ? undefined : [here, there][(index + 1) % 2]
          const client = yield* on(node)(online(ann, { resume: token }))
          yield* advance(time)
          const [own, others] = [yield* connections(node), before === undefined ? 0 : yield* connections(before)]
          assert.deepStrictEqual([own, others], [1, 0])
          yield* advance("10 seconds")
          assert.isFalse(client.ended())
          assert.deepStrictEqual(client.of("takenOver"), [])
        }
        yield* send(there, ann, "still valid")
      })
    )

    it.effect("F8: a chat login takes over the connection of the earlier one", () =>
      Effect.gen(function* () {
        const { advance, ann, here, there } = yield* makeFixture
        const annHere = yield* on(here)(online(ann))
        const annThere = yield* on(there)(online(ann))
        yield* advance(time)
        yield* annHere.until(() => annHere.of("takenOver").length === 1)
        const connections = (node: Node) => on(node)(Effect.map(Hub, (hub) => hub.sessionsOf(ann.user).length))
        assert.deepStrictEqual([yield* connections(here), yield* connections(there)], [0, 1])
        yield* advance("10 seconds")
        yield* annHere.until(annHere.ended)
        assert.isFalse(annThere.ended())
      })
    )

    it.effect("F9: presence is that of all nodes, and its events are heard on all of them", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
        const annHere = yield* on(here)(online(ann))
        const benThere = yield* on(there)(online(ben))
        yield* benThere.announce("login")
        yield* advance(time)
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
        yield* on(there)(
          Effect.flatMap(Engine, ({ perform }) => perform(ben, { _tag: "ChangeStatus", status: "away" }))
        )
        yield* advance(time)
        yield* annHere.until(() => texts(annHere, "status").includes("ben"))
        assert.deepStrictEqual(yield* statuses(here), ["online", "away", "offline"])
        yield* benThere.announce("logout")
        yield* advance(time)
        yield* annHere.until(() => texts(annHere, "logout").includes("ben"))
        assert.deepStrictEqual(yield* statuses(here), ["online", "offline", "offline"])
        assert.isFalse(yield* on(here)(Effect.map(Hub, (hub) => hub.isOnline(ben.user))))
        assert.deepStrictEqual([texts(annHere, "login"), texts(annHere, "logout")], [["ben"], ["ben"]])
      })
    )

    it.effect("new, changed and removed users are in the lists of both nodes", () =>
      Effect.gen(function* () {
        const { advance, ann, ben, here, there } = yield* makeFixture
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
        yield* advance(time)
        yield* benThere.until(() => benThere.of("renamed").some(({ text }) => text === "ann"))
        assert.deepStrictEqual(yield* names, ["Ann", "ben", "dan"])
        assert.isUndefined(yield* on(there)(Effect.flatMap(Users, (users) => users.byAccount("cat"))))
        yield* on(there)(Effect.flatMap(Engine, ({ perform }) => perform(ann, { _tag: "RenameUser", name: "Anna" })))
        yield* advance(time)
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
}
