/**
 * Broadcasts what was committed. For the core alone: protocols return replies, and what their commands announce follows
 * those (see `CommandRunner`).
 */
import * as Context from "effect/Context"
import type { Broadcast } from "../model/Event.ts"

/** Pushes to all whom it concerns, except the connection that asked; throws nothing. */
export type SendBroadcasts = (broadcasts: ReadonlyArray<Broadcast>, except?: number) => void

export class Broadcaster extends Context.Service<Broadcaster, SendBroadcasts>()("@parley/core/Broadcaster") {}
