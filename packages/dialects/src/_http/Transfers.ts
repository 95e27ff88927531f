/** Limits concurrent uploads and downloads, in total and per user and network: each holds an open file. */
import { networkOf } from "@parley/core/ClientAddress"
import type { EngineSettings } from "@parley/core/Settings"
import { Slots } from "@parley/core/Slots"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

export class Transfers {
  readonly #slots: Slots

  /** `share`: maximum share of one user or network, in percent. */
  constructor(limit: number, share: number) {
    this.#slots = new Slots(limit, share)
  }

  /**
   * Takes a slot until the request's scope closes; returns false if none is free. `holder` is the user or the app; "" has
   * no share of its own.
   */
  begin(request: HttpServerRequest, holder: string): Effect.Effect<boolean, never, Scope.Scope> {
    return Effect.suspend(() => {
      const slot = this.#slots.take(networkOf(Option.getOrElse(request.remoteAddress, () => "")))
      if (slot === undefined) return Effect.succeed(false)
      if (!slot.claim(holder)) {
        slot.release()
        return Effect.succeed(false)
      }
      return Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => slot.release())),
        true
      )
    })
  }
}

const transfersByEngine = new WeakMap<object, Transfers>()

/** Returns the transfers of an engine, which all protocols share. */
export const transfersOf = (engine: object, { transfers, share }: EngineSettings): Transfers => {
  const known = transfersByEngine.get(engine)
  if (known !== undefined) return known
  const made = new Transfers(transfers, share)
  transfersByEngine.set(engine, made)
  return made
}
