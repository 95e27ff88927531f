/** A conversation through the services alone: no protocol, no network, a store and a transport of the test's own. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import { Permissions } from "@parley/core/Permissions"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { Chats, Members, Messages } from "./Commands.ts"
import { engineLayer, idsOf, online, people } from "./harness.ts"

describe("the services", () => {
  layer(engineLayer)((it) => {
    it.effect("exchange messages", () =>
      Effect.gen(function* () {
        const chats = yield* Chats
        const members = yield* Members
        const messages = yield* Messages
        const queue = yield* OfflineQueue
        const [ann, ben, cat] = yield* people("ann", "ben", "cat")
        assert(ann && ben && cat)
        const there = yield* online(ben)

        const { chat } = yield* chats.create(ann, { gid: "team", name: "Team", members: idsOf([ben, cat]) })
        yield* messages.send(ann, [{ gid: "m1", chat: { gid: "team" }, content: "hello" }])
        yield* there.until(() => there.of("Posted").length === 1)
        assert.deepStrictEqual(
          there.packets.map(({ kind, text }) => [kind, text]),
          [
            ["Created", "Team"],
            ["Posted", "hello"]
          ]
        )
        const [stored] = yield* messages.send(ben, [{ gid: "m2", chat, content: "hi" }])
        assert.strictEqual(stored?.message.number, 2)

        const history = yield* messages.history(cat, chat)
        assert.deepStrictEqual(
          history.messages.map(({ content }) => content),
          ["hi", "hello"]
        )
        const owed = yield* queue.list(cat.user)
        assert.deepStrictEqual(
          owed.map(({ event, level }) => [event.message?.content, level]),
          [
            ["hello", 3],
            ["hi", 3]
          ]
        )
        yield* queue.acknowledge(
          cat.user,
          owed.slice(0, 1).map(({ id }) => id)
        )
        assert.deepStrictEqual(
          (yield* queue.list(cat.user)).map(({ event }) => event.message?.content),
          ["hi"]
        )

        yield* members.remove(ann, chat, [cat.user])
        assert.deepStrictEqual(yield* queue.list(cat.user), [])
        const refused = yield* messages.history(cat, chat).pipe(Effect.flip)
        assert.deepStrictEqual(refused.reason, { _tag: "NoSuchChat" })
        assert.deepStrictEqual(
          (yield* members.list(ann, chat)).map(({ account, status }) => [account, status]),
          [
            ["ann", "offline"],
            ["ben", "online"]
          ]
        )
      })
    )

    it.effect("explain permissions, and the deciding rule", () =>
      Effect.gen(function* () {
        const chats = yield* Chats
        const permissions = yield* Permissions
        const [owner, member] = yield* people("owner", "member")
        assert(owner && member)
        const { chat } = yield* chats.create(owner, { gid: "explained", members: [member.user] })
        assert.deepStrictEqual(yield* permissions.explain(owner.user, chat, "publish"), { allowed: true })
        assert.deepStrictEqual(yield* permissions.explain(member.user, chat, "publish"), {
          allowed: false,
          rule: "only admins",
          reason: { _tag: "Forbidden", requires: "admins" }
        })
      })
    )

    it.effect("manage users and their sessions", () =>
      Effect.gen(function* () {
        const users = yield* Users
        const sessions = yield* Sessions
        const [dan] = yield* users.add([{ account: "dan", password: "correct-horse-7" }])
        const { session, user } = yield* sessions.login({
          account: "dan",
          secret: "d374a7bdfbe7dfa86bc2807569bacd5d",
          kind: "token",
          device: "",
          address: "local"
        })
        assert.strictEqual(user.id, dan?.id)
        assert.strictEqual((yield* sessions.resume(session.token))?.user.account, "dan")
        yield* sessions.end(session)
        assert.strictEqual(yield* sessions.resume(session.token), undefined)
      })
    )
  })
})
