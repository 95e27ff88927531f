/**
 * Broadcasts committed events. Only for the core: protocols return replies, and the events of their commands follow those
 * (see `CommandRunner`).
 */
import * as Context from "effect/Context"
import type { Broadcast } from "../model/Event.ts"

/** Pushes events to their audience, except to the connection that requested them. Does not throw. */
export type SendBroadcasts = (broadcasts: ReadonlyArray<Broadcast>, except?: number) => void

/** Broadcasts of other nodes: delivered here, and not published again. Only for the link between nodes. */
export class RemoteBroadcasts extends Context.Service<
  RemoteBroadcasts,
  {
    readonly deliver: (broadcasts: ReadonlyArray<Broadcast>) => void
    readonly observeBroadcasts: (broadcasts: ReadonlyArray<Broadcast>) => void
  }
>()("@parley/core/RemoteBroadcasts") {}

export class Broadcaster extends Context.Service<Broadcaster, SendBroadcasts>()("@parley/core/Broadcaster") {}
