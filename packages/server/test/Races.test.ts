/**
 * Concurrent requests on one message or one chat, over real sockets and on SQLite. Source: PROTOCOLS, "Races on one message"
 * and "Contention is not an error".
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { type Client, idsOf, online, PASSWORD } from "./clients.ts"
import { folder, serve } from "./serverProcess.ts"

type Fields = { readonly [name: string]: unknown }

const post = (url: string, body: unknown): Effect.Effect<{ readonly status: number; readonly body: Fields }> =>
  Effect.promise(async () => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
    const response = await fetch(url, init)
    return { status: response.status, body: (await response.json()) as Fields }
  })

const scope = Effect.runSync(Scope.make())
let http = ""
beforeAll(() =>
  Effect.flatMap(folder, (cwd) => serve(cwd, "--demo")).pipe(
    Effect.map((server) => {
      http = server.http
    }),
    Scope.provide(scope),
    Effect.runPromise
  )
)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const login = (account: string): Effect.Effect<string> =>
  Effect.map(post(`${http}/auth/login`, { account, password: PASSWORD }), ({ body }) => String(body["token"]))

/** alice and bob online in a group, and a token of alice. */
const scene = Effect.gen(function* () {
  const token = yield* login("alice")
  const { body } = yield* post(`${http}/session/start?token=${token}`, { To: ["bob"] })
  const cgid = String(body["SessionId"])
  const [alice, bob] = [yield* online(http, "alice"), yield* online(http, "bob")]
  const remove = (MessageId: string) => post(`${http}/message/remove?token=${token}`, { SessionId: cgid, MessageId })
  return { cgid, alice, bob, remove }
})

/** Returns the pushed contents of the message, in order. */
const pushed = ({ delivered }: Client, gid: string): ReadonlyArray<string> =>
  delivered.filter((message) => message.gid === gid).map(({ content }) => content)

describe("races on one message", () => {
  it.live("a replacement is pushed before the recall, or refused after it", () =>
    Effect.gen(function* () {
      const { alice, bob, cgid, remove } = yield* scene
      for (let round = 0; round < 20; round++) {
        const gid = `replaced-${round}`
        const [before, after] = ['{"url":"placeholder"}', '{"url":"picture"}']
        const image = (content: string) => [{ gid, cgid, contentType: "image", content }]
        yield* alice.get("message", image(before))
        yield* bob.until("the placeholder", () => pushed(bob, gid).length === 1)
        const [replaced, removed] = yield* Effect.all([alice.ask("message", image(after)), remove(gid)], {
          concurrency: "unbounded"
        })
        assert.strictEqual(removed.status, 200)
        const [marker] = yield* alice.say(cgid, `end of round ${round}`)
        yield* bob.untilMessage(marker?.content ?? "")
        assert.deepStrictEqual(
          pushed(bob, gid),
          replaced.result === "success" ? [before, after, ""] : [before, ""],
          `round ${round}: ${JSON.stringify(replaced)}`
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("of ten concurrent recalls one is stored and pushed, and all succeed", () =>
    Effect.gen(function* () {
      const { alice, bob, cgid, remove } = yield* scene
      for (let round = 0; round < 5; round++) {
        const [message] = yield* alice.say(cgid, `regretted ${round}`)
        const gid = message?.gid ?? ""
        const answers = yield* Effect.forEach(Array.from({ length: 10 }), () => remove(gid), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          answers.map(() => 200)
        )
        const [marker] = yield* alice.say(cgid, `end of recalls ${round}`)
        yield* bob.untilMessage(marker?.content ?? "")
        assert.deepStrictEqual(pushed(bob, gid), [`regretted ${round}`, ""])
      }
    }).pipe(Effect.scoped)
  )
})

const youdu = (token: string, name: string, body: Fields): Effect.Effect<Fields> =>
  Effect.map(post(`${http}/cgi/session/${name}?accessToken=${token}`, body), (answer) => answer.body)

describe("concurrent changes of one chat", () => {
  it.live("fifty updates of one youdu session all succeed, one after the other", () =>
    Effect.gen(function* () {
      const token = yield* login("admin")
      const member = ["admin", "alice", "bob"]
      const { sessionId } = yield* youdu(token, "create", { title: "none", creator: "admin", type: null, member })
      const titles = Array.from({ length: 50 }, (_, n) => `title ${n}`)
      const answers = yield* Effect.forEach(
        titles,
        (title) => youdu(token, "update", { sessionId, title, opUser: "admin" }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        answers.map(({ errcode }) => errcode),
        titles.map(() => 0)
      )
      const versions = answers.map(({ version }) => Number(version)).sort((one, other) => one - other)
      const [first = 0] = versions
      assert.deepStrictEqual(
        versions,
        titles.map((_, n) => first + n),
        "each has its own version"
      )
    })
  )

  it.live("an array of fifty membership changes causes no refused message, on two busy connections", () =>
    Effect.gen(function* () {
      const { alice, bob, cgid } = yield* scene
      const ids = idsOf(alice)
      const carol = yield* online(http, "carol")
      yield* alice.get("addmember", { gid: cgid, members: [{ id: ids.get("carol") }], join: true })
      for (let round = 0; round < 3; round++) {
        const before = [alice, bob, carol].map(({ answers }) => answers.length)
        const members = [{ id: ids.get("dave") }]
        alice.send(
          Array.from({ length: 50 }, (_, n) => ({
            module: "chat",
            method: "addmember",
            sid: alice.sid(),
            params: { gid: cgid, members, join: n % 2 === 0 }
          }))
        )
        for (const talker of [bob, carol]) {
          for (let n = 0; n < 10; n++) {
            const gid = `${talker.sid()}-${round}-${n}`
            const params = [{ gid, cgid, content: `${round}/${n}` }]
            talker.send({ module: "chat", method: "message", sid: talker.sid(), params })
          }
        }
        const wanted = [50, 10, 10]
        for (const [index, client] of [alice, bob, carol].entries()) {
          const [from, count] = [before[index] ?? 0, wanted[index] ?? 0]
          yield* client.until("all answers", () => client.answers.length >= from + count)
          assert.deepStrictEqual(
            client.answers.slice(from).map(({ result, message }) => [result, message]),
            Array.from({ length: count }, () => ["success", undefined])
          )
        }
      }
      const mine = (client: Client) => client.delivered.filter(({ user }) => user === ids.get("bob"))
      yield* carol.until("bob's messages", () => mine(carol).length >= 30)
      assert.deepStrictEqual(
        mine(carol).map(({ content }) => content),
        Array.from({ length: 30 }, (_, n) => `${Math.floor(n / 10)}/${n % 10}`),
        "in the order in which they were sent"
      )
    }).pipe(Effect.scoped)
  )
})
