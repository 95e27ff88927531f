/**
 * How nodes that share one store tell each other that a chat's log has grown, as a port. A hint may be lost, doubled or
 * come out of order: who gets one reads the log from its own place.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { ChatId } from "../model/Ids.ts"

export interface AppendNotice {
  readonly chat: ChatId
  /** The newest sequence of its log. */
  readonly head: number
}

export class Bus extends Context.Service<
  Bus,
  {
    /** Tells the other nodes. Never fails and never waits. */
    readonly publish: (hint: AppendNotice) => void
    /** Calls back for hints of other nodes, never for one's own, until the returned function is called. */
    readonly subscribe: (listener: (hint: AppendNotice) => void) => () => void
  }
>()("@parley/core/Bus") {
  /** One node that has its store for itself: nobody to tell. */
  static readonly layerSingle: Layer.Layer<Bus> = Layer.sync(Bus, () =>
    Bus.of({ publish: () => {}, subscribe: () => () => {} })
  )
}
