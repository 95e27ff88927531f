/**
 * Every operation of every protocol with every kind of credential: each is authorised as expected, and a refusal changes
 * nothing. The table in `Credentials` maps a credential to a user, to an application or to nothing; the rules decide what a
 * user may do.
 */
import { assert, it } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import { authRoutes } from "../../adapter-node/src/internal/http/authRoutes.ts"
import * as Host from "../../adapter-node/src/internal/http/HttpHost.ts"
import { serveHttp } from "@parley/adapter-node/serveHttp"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import type { UserId } from "@parley/core/Ids"
import * as Parley from "@parley/core/Parley"
import { Sessions } from "@parley/core/Sessions"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as hisihi } from "@parley/dialects/hisihi"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { dialect as youdu } from "@parley/dialects/youdu"
import { Effect, Layer, Logger } from "effect"
import { createHash } from "node:crypto"
import { join } from "node:path"
import * as NodePasswords from "@parley/adapter-node/NodePasswords"
import { addDemoUsers } from "../src/demo/demoUsers.ts"
import { type Answer, type Actors, openActors, connection, type Json, actorWith } from "./algebra/actors.ts"
import {
  type Credential,
  type CredentialName,
  credentials,
  type Standing,
  type TokenProtocol,
  tokenProtocols
} from "./algebra/Credentials.ts"
import { type OwnRequest, ownRequests } from "./algebra/OwnRequests.ts"
import { expected, type Outcome, type Protocol, type Request, type Trial } from "./algebra/Request.ts"
import { requests } from "./algebra/Requests.ts"
import type { TestChat, Role, ChatCase } from "./algebra/ChatCase.ts"
import { chatCases } from "./algebra/chatCases.ts"
import { folder } from "./serverProcess.ts"

const names = Object.keys(credentials) as ReadonlyArray<CredentialName>

/** Without rate limits; a user may have several chat logins. */
const SETTINGS = {
  ...defaultSettings,
  sessions: "multi",
  costPerSecond: 1e9,
  costBurst: 1e9,
  loginDeadline: 600
} as const

const served = Effect.gen(function* () {
  const site = { settings: { "hisihi.auth": "token" }, tcp: () => undefined }
  const opened = yield* Effect.all([
    xuanxuan.open(site),
    spark.open(site),
    hisihi.open(site),
    ha.open(site),
    youdu.open(site)
  ])
  yield* addDemoUsers
  for (const { demo } of opened) yield* demo
  const endpoints = [...opened.flatMap((one) => one.endpoints), { _tag: "Http", routes: yield* authRoutes } as const]
  const { port } = yield* serveHttp(yield* Host.make({ endpoints }), { host: "127.0.0.1", port: 0 })
  return yield* openActors(`http://127.0.0.1:${port}`)
})

/** A token of each kind. */
const issued = Effect.fnUntraced(function* ({ alice, admin }: Actors) {
  const [users, sessions, store] = [yield* Users, yield* Sessions, yield* Store]
  const [gone] = yield* users.add([{ account: "gone" }])
  assert(gone !== undefined)
  const issue = (user: number, kind: "chat" | "token") =>
    Effect.map(sessions.issue(user as UserId, kind, `of the matrix ${kind}`), ({ token }) => token)
  const expired = "expired"
  const hash = createHash("sha256").update(expired).digest("hex")
  const session = { hash, user: alice.id as UserId, kind: "token", device: "", createdAt: 0, usedAt: 0 } as const
  yield* store.commit({ expectedVersions: [], writes: [{ _tag: "SaveSession", session }] })
  const ended = yield* sessions.issue(alice.id as UserId, "token")
  yield* sessions.end(ended)
  const disabled = yield* issue(gone.id, "token")
  yield* users.setDisabled(gone.account, true)
  const token = yield* issue(alice.id, "token")
  const tokens: Readonly<Record<CredentialName, string>> = {
    none: "",
    wrong: "wrong",
    expired,
    ended: ended.token,
    disabled,
    memberSid: yield* issue(alice.id, "chat"),
    memberToken: token,
    strangerToken: token,
    kickedToken: token,
    adminSid: yield* issue(admin.id, "chat"),
    adminToken: yield* issue(admin.id, "token")
  }
  return tokens
})

/** Status of the last response. Xuanxuan has none over WebSocket; youdu has it in `errcode`. */
class Answers {
  last: number | undefined

  http({ status, json }: Answer, path: string): void {
    this.last = path.startsWith("/cgi/") && json["errcode"] !== 0 ? Number(json["errcode"]) : status
  }

  chat({ result }: Json): void {
    this.last = result === "success" ? 200 : result === "denied" ? 401 : 403
  }
}

/** Returns the trial with this credential in place of the actor's, and of the administrator's that acts for an application. */
const showing = (
  people: Actors,
  target: TestChat,
  token: string,
  chat: TestChat["actor"]["chat"],
  answers: Answers
): Trial => {
  const { actor } = target
  const shown = actorWith({ ...actor, token }, (method, params) =>
    Effect.tap(chat(method, params), (answer) => Effect.sync(() => answers.chat(answer)))
  )
  const http: Actors["http"] = (method, path, sent) =>
    Effect.tap(people.http(method, path, sent), (answer) => Effect.sync(() => answers.http(answer, path)))
  return { actors: { ...people, http, admin: { ...people.admin, token } }, target: { ...target, actor: shown } }
}

const caseOf = (name: string): ChatCase => {
  const found = chatCases.find((chatCase) => chatCase.name === name)
  if (found === undefined) throw new Error(`there is no case ${name}`)
  return found
}
const GROUP = caseOf("group created through hisihi")
const PAIR = caseOf("direct chat")

/** An application acts for a member. */
const roleFor = ({ role }: Credential, protocol: Protocol): Role =>
  protocol === "youdu" ? "member" : role === "former" && protocol === "ha" ? "stranger" : role

type TokenRequest = Request & { readonly protocol: TokenProtocol }
const hasToken = (request: Request): request is TokenRequest => request.protocol !== "rtm"

const isOwn = (request: Request | OwnRequest): request is OwnRequest => !("operation" in request)

/** Returns the expected statuses. */
const wanted = (request: Request | OwnRequest, standing: Standing, trial: Trial): ReadonlyArray<number> => {
  if (typeof standing === "number") return [standing]
  if (isOwn(request)) {
    const { only } = request
    const may = only === undefined || (only === "system administrators" && trial.target.actor.admin)
    return may ? [200, 201] : [403]
  }
  const outcome: Outcome = expected(request, trial)
  if (outcome === "allowed") return [200, 201, 204]
  // A protocol without codes, or with one code for all refusals.
  if (request.protocol === "xuanxuan") return [400, 403, 404]
  return outcome === "hidden" ? [404] : [403]
}

it.live("every credential is authorised as expected in every protocol, and refusals change nothing", () =>
  Effect.gen(function* () {
    const people = yield* served
    const tokens = yield* issued(people)
    const wrong: Array<string> = []
    const counts = new Map<string, number>()
    const everything: ReadonlyArray<TokenRequest | OwnRequest> = [...requests.filter(hasToken), ...ownRequests]

    for (const name of names) {
      const credential = credentials[name]
      const token = tokens[name]
      const { ask, enter } = yield* connection(people.base)
      enter(token)
      /** The chat, not changed by any request yet. */
      const unchanged = new Map<string, TestChat>()
      for (const request of everything) {
        const { protocol } = request
        const chatCase = protocol === "ha" ? PAIR : GROUP
        const role = roleFor(credential, protocol)
        const key = `${chatCase.name}/${role}`
        const target = unchanged.get(key) ?? (yield* chatCase.make(people, role))
        unchanged.set(key, target)
        if (!isOwn(request) && request.about?.(target) === false) continue

        const answers = new Answers()
        const trial = showing(people, target, token, ask, answers)
        const standing = credential.standing[protocol]
        const statuses = wanted(request, standing, trial)
        const before = yield* target.look
        if (!isOwn(request)) yield* request.prepare?.({ actors: people, target }) ?? Effect.void
        const asking: Effect.Effect<unknown> = request.ask(trial)
        const outcome = yield* Effect.catchDefect(asking, () => Effect.succeed("died"))
        const after = yield* target.look

        const about = `${credential.description}, ${protocol}: ${request.description} (${isOwn(request) ? "own" : request.operation})`
        const status = answers.last ?? 0
        counts.set(`${protocol} ${status}`, (counts.get(`${protocol} ${status}`) ?? 0) + 1)
        const isIn = status < 300
        // A list without the chat is a success too.
        const isList = !isOwn(request) && request.operation === "see" && typeof standing === "string"
        if (!isList && !statuses.includes(status)) wrong.push(`${about}: ${status} instead of ${statuses.join("/")}`)
        if (!isOwn(request) && typeof standing === "string" && outcome !== expected(request, trial)) {
          wrong.push(`${about}: ${String(outcome)} instead of ${expected(request, trial)}`)
        }
        if (!isIn && before !== after) wrong.push(`${about}: refused, and changed something`)
        if (before !== after) unchanged.delete(key)
      }
    }
    assert.deepStrictEqual(wrong, [])
    for (const protocol of tokenProtocols) {
      for (const status of [200, 401]) {
        assert.isAtLeast(counts.get(`${protocol} ${status}`) ?? 0, 5, `${protocol} ${status}`)
      }
    }
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.unwrap(
        Effect.map(folder, (cwd) =>
          Parley.layer.pipe(
            Layer.provideMerge(
              Layer.mergeAll(SqliteStore.layer({ file: join(cwd, "chat.db") }), MemoryBlobs.layer, NodePasswords.layer)
            )
          )
        )
      )
    ),
    Effect.provideService(Settings, SETTINGS),
    Effect.provide(Logger.layer([]))
  )
)
