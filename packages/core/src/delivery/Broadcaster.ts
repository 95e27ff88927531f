/**
 * Broadcasts committed events. Only for the core: protocols return replies, and the events of their commands follow those
 * (see `CommandRunner`).
 */
import * as Context from "effect/Context"
import type { Broadcast } from "../model/Event.ts"

/** Pushes events to their audience, except to the connection that requested them. Does not throw. */
export type SendBroadcasts = (broadcasts: ReadonlyArray<Broadcast>, except?: number) => void

export class Broadcaster extends Context.Service<Broadcaster, SendBroadcasts>()("@parley/core/Broadcaster") {}
