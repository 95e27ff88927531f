/**
 * Port: notices between nodes with a shared store that a chat's log has grown. A notice may be lost, duplicated or
 * reordered: its receiver reads the log from its own cursor.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { ChatId } from "../model/Ids.ts"

/** Notice that a chat's log has grown. */
export interface AppendNotice {
  readonly chat: ChatId
  /** The newest sequence of its log. */
  readonly head: number
}

/**
 * Port: notices between nodes that share a store. Delivery is best effort; a notice may be lost, repeated or
 * reordered.
 */
export class Bus extends Context.Service<
  Bus,
  {
    /** Notifies the other nodes. Never fails and never waits. */
    readonly publish: (notice: AppendNotice) => void
    /** Calls back for notices of other nodes, never of this one, until the returned function is called. */
    readonly subscribe: (listener: (notice: AppendNotice) => void) => () => void
  }
>()("@parley/core/Bus") {
  /** Bus of a single node with its own store: does nothing. */
  static readonly layerSingle: Layer.Layer<Bus> = Layer.sync(Bus, () =>
    Bus.of({ publish: () => {}, subscribe: () => () => {} })
  )
}
