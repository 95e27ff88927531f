/**
 * One permission algebra: every role in every kind of chat tries every operation through every protocol, and each protocol
 * decides by the rules. All differences of protocols are declared beside the rules. The quick run has half of the operations for
 * each role in each kind of chat.
 */
import { assert, it } from "@effect/vitest"
import { type Operation, refusal } from "@parley/core/rules/Operations"
import { Effect } from "effect"
import { type Actors, openActors } from "./algebra/actors.ts"
import { expected, factsOf, type Request, type Trial } from "./algebra/Request.ts"
import { requests } from "./algebra/Requests.ts"
import { type Role, roles, type ChatCase } from "./algebra/ChatCase.ts"
import { chatCases } from "./algebra/chatCases.ts"
import { share } from "../../../scripts/repetitions.ts"
import { serveInProcess } from "./inProcess.ts"

/** Number of concurrent roles. */
const SIDE_BY_SIDE = 16

/** One role in one kind of chat, and its trials. */
interface Case {
  readonly chatCase: ChatCase
  readonly role: Role
  readonly requests: ReadonlyArray<Request>
  readonly isAnonymous: boolean
}

const about = ({ chatCase, role, isAnonymous }: Case, { operation, protocol, description }: Request): string =>
  `${chatCase.name}, ${isAnonymous ? "an anonymous caller" : roles[role]}, ${operation}, ${protocol}: ${description}`

/** Expected reply, and whether the chat changes for others. */
const wanted = (request: Request, trial: Trial) => {
  const allows = (operation: Operation): boolean => refusal(operation, factsOf(trial, request.protocol)) === undefined
  const outcome = expected(request, trial)
  return { outcome, changes: outcome === "allowed" && request.changes(trial, allows) }
}

/** Returns the problem, if any. `before` is the chat before the request. */
const ask = Effect.fnUntraced(function* (one: Case, request: Request, trial: Trial, before: string) {
  yield* request.prepare?.(trial) ?? Effect.void
  const { outcome, changes } = wanted(request, trial)
  const found = yield* request.ask(trial)
  const after = yield* trial.target.look
  asked[found]++
  const wrong: Array<string> = []
  if (found !== outcome) wrong.push(`${about(one, request)}: should be ${outcome}, was ${found}`)
  if (changes !== (before !== after)) {
    wrong.push(`${about(one, request)}: ${changes ? "changed nothing" : `changed ${before} into ${after}`}`)
  }
  return wrong
})

const asked = { allowed: 0, refused: 0, hidden: 0 }

/** Trials that change nothing share one chat; every other has its own. */
const play = Effect.fnUntraced(function* (people: Actors, one: Case) {
  const { chatCase, role, isAnonymous } = one
  const made = Effect.gen(function* () {
    const target = yield* chatCase.make(people, role)
    const trial: Trial = { actors: people, target, isAnonymous }
    return { trial, before: yield* target.look }
  })
  const tried = (request: Request, { trial, before }: Effect.Success<typeof made>) =>
    Effect.catchDefect(ask(one, request, trial, before), (defect) =>
      Effect.succeed([`${about(one, request)}: ${String(defect)}`])
    )
  let common = yield* made
  const wrong: Array<string> = []
  const alone: Array<Request> = []
  for (const request of one.requests) {
    if (request.about?.(common.trial.target) === false) continue
    if (wanted(request, common.trial).changes) alone.push(request)
    else {
      const found = yield* tried(request, common)
      wrong.push(...found)
      // A failure must not affect the other trials.
      if (found.length > 0) common = yield* made
    }
  }
  for (const request of alone) wrong.push(...(yield* tried(request, yield* made)))
  return wrong
})

const playAll = Effect.fnUntraced(function* (people: Actors, cases: ReadonlyArray<Case>) {
  const taken = (shared: boolean) => cases.filter(({ chatCase }) => chatCase.shared === shared)
  const playOne = (one: Case): Effect.Effect<ReadonlyArray<string>> =>
    Effect.catchDefect(play(people, one), (defect) =>
      Effect.succeed([`${one.chatCase.name}, ${roles[one.role]}: could not be made: ${String(defect)}`])
    )
  const results = yield* Effect.all(
    [Effect.forEach(taken(false), playOne, { concurrency: SIDE_BY_SIDE }), Effect.forEach(taken(true), playOne)],
    { concurrency: 2 }
  )
  return results.flat(2)
})

const started = Effect.fnUntraced(function* (settings: Readonly<Record<string, string>>) {
  const { http } = yield* serveInProcess(settings)
  return yield* openActors(http)
})

const on = (server: ChatCase["server"]): ReadonlyArray<ChatCase> =>
  chatCases.filter((chatCase) => chatCase.server === server)

it.live("every protocol decides by the rules for every user, and changes nothing if it refuses", () =>
  Effect.gen(function* () {
    const cases = on("token").flatMap((chatCase) =>
      chatCase.roles.map((role): Case => ({ chatCase, role, requests, isAnonymous: false }))
    )
    const people = yield* started({ "hisihi.auth": "token" })
    const played = cases.map((one, turn): Case => ({ ...one, requests: share(requests, 2, turn) }))
    assert.deepStrictEqual(yield* playAll(people, played), [])
    for (const count of Object.values(asked)) assert.isAbove(count, 100)
  }).pipe(Effect.scoped)
)

it.live("without authentication hisihi reaches only chats created through it", () =>
  Effect.gen(function* () {
    const people = yield* started({})
    const [ofHisihi, others] = [true, false].map((is) =>
      requests.filter(({ protocol }) => (protocol === "hisihi") === is)
    )
    const users = on("open").flatMap((chatCase) =>
      chatCase.roles.map((role): Case => ({ chatCase, role, requests: others ?? [], isAnonymous: false }))
    )
    const anonymous = chatCases
      .filter(({ needsToken }) => needsToken !== true)
      .map((chatCase): Case => ({ chatCase, role: "member", requests: ofHisihi ?? [], isAnonymous: true }))
    assert.deepStrictEqual(yield* playAll(people, [...users, ...anonymous]), [])
  }).pipe(Effect.scoped)
)
