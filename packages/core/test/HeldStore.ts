/** A store whose next call of a kind waits until it is released: before it is carried out, or before its result. */
import { Effect } from "effect"
import { Store, type WriteBatch } from "@parley/core/Store"

type Held = "session" | "sessionEpoch" | "password" | "record" | "locate" | "commit"

export interface Hold {
  /** Once a call waits. */
  readonly reached: Effect.Effect<void>
  readonly release: () => void
}

interface Waiting {
  readonly what: Held
  readonly when: "before" | "after"
  readonly matches: (batch: WriteBatch | undefined) => boolean
  readonly reached: () => void
  readonly released: Promise<void>
}

export class HeldStore {
  readonly store: Store["Service"]
  readonly #waiting: Array<Waiting> = []

  constructor(store: Store["Service"]) {
    const held =
      <K extends ReadonlyArray<unknown>, A, E>(what: Held, work: (...keys: K) => Effect.Effect<A, E>) =>
      (...keys: K): Effect.Effect<A, E> =>
        Effect.suspend(() => {
          const index = this.#waiting.findIndex(
            (one) => one.what === what && one.matches(keys[0] as WriteBatch | undefined)
          )
          const [hold] = index < 0 ? [] : this.#waiting.splice(index, 1)
          if (hold === undefined) return work(...keys)
          const wait = Effect.promise(() => {
            hold.reached()
            return hold.released
          })
          return hold.when === "before"
            ? Effect.andThen(wait, work(...keys))
            : Effect.flatMap(Effect.exit(work(...keys)), (exit) => Effect.andThen(wait, exit))
        })
    this.store = Store.of({
      ...store,
      session: held("session", store.session),
      sessionEpoch: held("sessionEpoch", store.sessionEpoch),
      password: held("password", store.password),
      record: held("record", store.record),
      locate: held("locate", store.locate),
      commit: held("commit", store.commit)
    })
  }

  /** The next call of this kind waits; of commits the next one with a write of that tag. */
  hold(what: Held, when: Waiting["when"], tag?: WriteBatch["writes"][number]["_tag"]): Hold {
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    this.#waiting.push({
      what,
      when,
      matches: (batch) => tag === undefined || batch?.writes.some((write) => write._tag === tag) === true,
      reached: reached.resolve,
      released: released.promise
    })
    return { reached: Effect.promise(() => reached.promise), release: () => released.resolve() }
  }
}
