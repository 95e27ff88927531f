/**
 * Chats that an application reaches, where its requests are decided for the user for whom it acts, or for the members of its
 * organisation if it names no user.
 */
import { assert, it } from "@effect/vitest"
import { refusal } from "@parley/core/rules/Operations"
import { appRights, reachable } from "@parley/core/rules/AppScope"
import { UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import { join } from "node:path"
import { controlAddress } from "../src/control/socketPath.ts"
import { sendCommand } from "../src/control/client.ts"
import { application } from "./algebra/Application.ts"
import { actor, openActors, type Actors, http } from "./algebra/actors.ts"
import { factsOf } from "./algebra/Request.ts"
import type { Role } from "./algebra/ChatCase.ts"
import { chatCases } from "./algebra/chatCases.ts"
import { PASSWORD } from "./clients.ts"
import { folder, serve } from "./serverProcess.ts"

/** The organisation of the demonstration, its users and its application. */
const ORGANISATION = 1
/** Another organisation. */
const ELSEWHERE = 2

const ROLES: ReadonlyArray<Role> = ["owner", "member", "former", "stranger"]

it.live("an application reaches groups of its organisation, with the rights of the user for whom it acts", () =>
  Effect.gen(function* () {
    const cwd = yield* folder
    const server = yield* serve(cwd, "--demo", "--set", "hisihi.auth=token", "--set", "passwords.minimum=0")
    const home = yield* openActors(server.http)
    const address = yield* controlAddress(join(cwd, "data", "parley.db"))
    const names = ["erika", "fritz", "gerda", "hans", "ilse"]
    yield* Effect.forEach(names, (account) =>
      sendCommand(address, {
        words: ["user", "add"],
        inputs: { account, password: PASSWORD, org: ELSEWHERE, admin: account === "fritz" }
      })
    )
    const away: Actors = {
      ...home,
      alice: yield* actor(server.http, "erika"),
      admin: yield* actor(server.http, "fritz"),
      bob: yield* actor(server.http, "gerda"),
      carol: yield* actor(server.http, "hans"),
      dave: yield* actor(server.http, "ilse")
    }
    const app = yield* application(http(server.http))
    const wrong: Array<string> = []
    const sides = [
      { people: home, organisation: ORGANISATION },
      { people: away, organisation: ELSEWHERE }
    ]
    let reached = 0
    for (const { people, organisation } of sides) {
      // The system chat belongs to no organisation, and is tried once.
      const own = chatCases.filter(
        (one) => one.server === "token" && (people === home || !one.name.startsWith("system"))
      )
      for (const chatCase of own) {
        for (const role of chatCase.roles.filter((one) => ROLES.includes(one))) {
          const target = yield* chatCase.make(people, role)
          const { facts: chat, gid, actor: user } = target
          const members = [...chat.members.keys()].map((id) => ({ id, organisation }))
          const unreached = reachable.check({ scope: { organisation: ORGANISATION }, chat, members }) !== undefined
          const allowed = refusal("rename", factsOf({ actors: people, target }, "youdu")) === undefined
          const wanted = unreached ? [404, 404] : [0, allowed ? 0 : 403]
          const rights = appRights({ organisation: ORGANISATION }, chat, members)
          const itself = { user: { id: UserId(0), admin: false }, app: rights, chat }
          for (const operation of ["rename", "removeMembers"] as const) {
            wanted.push(unreached ? 404 : refusal(operation, itself) === undefined ? 0 : 403)
          }
          const found = [
            yield* app.get(gid),
            yield* app.update({ sessionId: gid, opUser: user.account, title: "new" }),
            yield* app.rename(gid, "newer"),
            // A user who is in none of these chats: removing is allowed, and changes nothing.
            yield* app.remove(gid, "admin")
          ]
          if (!unreached) reached++
          if (String(found) !== String(wanted)) {
            wrong.push(
              `${chatCase.name}, ${role}, organisation ${organisation}: ${String(found)} instead of ${String(wanted)}`
            )
          }
        }
      }
    }
    assert.deepStrictEqual(wrong, [])
    assert.isAbove(reached, 0)

    // One member suffices.
    const gid = "algebra-mixed"
    yield* away.alice.done("create", { gid, name: "mixed", type: "group", members: [{ id: away.carol.id }] })
    assert.strictEqual(yield* app.get(gid), 404)
    yield* away.alice.done("addmember", { gid, members: [{ id: home.carol.id }], join: true })
    assert.strictEqual(yield* app.get(gid), 0)
    yield* home.carol.done("joinchat", { gid, join: false })
    assert.strictEqual(yield* app.get(gid), 404)
  }).pipe(Effect.scoped)
)
