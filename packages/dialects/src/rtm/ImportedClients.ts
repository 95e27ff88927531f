/** Users of the client ids in an import. */
import { newAccountProblem } from "@parley/core/User"
import { UserId } from "@parley/core/Ids"
import { Progress } from "@parley/core/Progress"
import * as Effect from "effect/Effect"
import type { App } from "./apps.ts"
import type { Deps } from "./context.ts"

/** A user; otherwise why the client id cannot be one. */
export type ClientResult = UserId | string

/** Stands for users who do not exist, when nothing is written. */
const NOBODY = UserId(0)

export class ImportedClients {
  readonly #known = new Map<string, ClientResult>()
  readonly #deps: Deps
  readonly #app: App
  readonly #appId: string
  readonly #isDry: boolean
  created = 0

  constructor(deps: Deps, appId: string, app: App, isDry: boolean) {
    this.#deps = deps
    this.#appId = appId
    this.#app = app
    this.#isDry = isDry
  }

  /** The user of a client id of the last `load`. */
  get(clientId: string): ClientResult {
    return this.#known.get(clientId) ?? "is not known"
  }

  /** Finds the users of these client ids, and creates those of new ones. */
  load(clientIds: Iterable<string>): Effect.Effect<void, string> {
    const ids = [...new Set(clientIds)].filter((id) => !this.#known.has(id))
    return ids.length === 0
      ? Effect.void
      : this.#load(ids).pipe(
          // The progress is that of the messages.
          Effect.provideService(Progress, () => {}),
          Effect.mapError(() => "the users cannot be written")
        )
  }

  #load(ids: ReadonlyArray<string>) {
    const { deps, app, appId, isDry, known } = {
      deps: this.#deps,
      app: this.#app,
      appId: this.#appId,
      isDry: this.#isDry,
      known: this.#known
    }
    const { clients, engine } = deps
    const { context } = engine
    return Effect.gen({ self: this }, function* () {
      const found = yield* context.users.resolve(ids)
      const fresh: Array<string> = []
      for (const [index, id] of ids.entries()) {
        const user = found[index]
        if (user !== undefined) {
          const isOwn = yield* clients.mayBe(appId, app, user)
          known.set(id, isOwn ? user.id : "belongs to a user of this server who is not one of the app, or is disabled")
          continue
        }
        const problem = newAccountProblem(id, context.settings.account)
        if (problem === undefined) fresh.push(id)
        else known.set(id, problem)
      }
      this.created += fresh.length
      if (isDry) {
        for (const id of fresh) known.set(id, NOBODY)
        return
      }
      if (fresh.length === 0) return
      const taken = "is the same as an account that exists in another form"
      const all = yield* Effect.result(clients.resolve(appId, fresh))
      if (all._tag === "Success") {
        const users = new Map(all.success.map((user) => [user.account, user.id]))
        for (const id of fresh) known.set(id, users.get(id) ?? taken)
        return
      }
      // One of them is taken in another form.
      for (const id of fresh) {
        const one = yield* Effect.result(clients.resolve(appId, [id]))
        if (one._tag === "Failure" && "_tag" in one.failure && one.failure._tag === "Refused")
          return yield* Effect.fail(one.failure)
        const [user] = one._tag === "Success" ? one.success : []
        known.set(id, user?.id ?? taken)
      }
    })
  }
}
