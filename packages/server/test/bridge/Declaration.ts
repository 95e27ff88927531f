/**
 * Declaration of the bridge: a row for each operation with each protocol's way to execute and to observe it, or a reason. A
 * missing entry does not compile, so that no cell is undeclared.
 */
import { Effect, type Scope } from "effect"
import type { BridgeContext } from "./context.ts"

export const protocols = ["xuanxuan", "spark", "hisihi", "ha", "youdu", "rtm"] as const
export type Protocol = (typeof protocols)[number]

/** Reason for which a protocol cannot express something, and the replacement. */
export interface Reason {
  readonly letter: string
  readonly because: string
  readonly instead: string
  /** Checks the claim on the running server. */
  readonly proof: (context: BridgeContext["Service"]) => Effect.Effect<void, string, Scope.Scope>
}

/** A step of one cell. */
export type Step<A> = Effect.Effect<A, string, Scope.Scope>

/** Opens a chat, or returns the users to create one. */
export type OpenChat<A> = (context: BridgeContext["Service"]) => Step<A>

/** Prepares an action in the chat; returns the action, whose result is passed to readers. */
export type Send<A, D> = (context: BridgeContext["Service"], target: A) => Step<Step<D>>

/** Records the state before the action; returns a check of its effect. */
export type Read<A, D> = (context: BridgeContext["Service"], target: A) => Step<(action: D) => Step<void>>

/** An implementation or a reason for every protocol. */
export type Each<W> = Readonly<Record<Protocol, W | Reason>>

export type Cell =
  | { readonly _tag: "Live"; readonly show: (context: BridgeContext["Service"]) => Step<void> }
  | { readonly _tag: "Not"; readonly why: Reason }

export interface Row {
  readonly operation: string
  /** Effect of the operation if it is live. */
  readonly description: string
  readonly cell: (sender: Protocol, reader: Protocol) => Cell
}

export interface Declaration<A, D> {
  readonly operation: string
  readonly description: string
  /** Chats that both protocols have, each of which is tested; or the reason for which there are none. */
  readonly chats: (sender: Protocol, reader: Protocol) => ReadonlyArray<OpenChat<A>> | Reason
  readonly send: Each<Send<A, D>>
  readonly read: Each<Read<A, D>>
}

const isReason = <W extends object>(way: W | Reason): way is Reason => "letter" in way

/** Returns a row. Of several reasons, the sender's is reported first, then that of the chats, then the reader's. */
export const row = <A, D>({ operation, description, chats, send, read }: Declaration<A, D>): Row => ({
  operation,
  description,
  cell: (sender, reader) => {
    const acts = send[sender]
    if (isReason(acts)) return { _tag: "Not", why: acts }
    const targets = chats(sender, reader)
    if (isReason(targets)) return { _tag: "Not", why: targets }
    const watches = read[reader]
    if (isReason(watches)) return { _tag: "Not", why: watches }
    const show = Effect.fnUntraced(function* (context: BridgeContext["Service"]) {
      for (const open of targets) {
        const target = yield* open(context)
        const act = yield* acts(context, target)
        const seen = yield* watches(context, target)
        yield* seen(yield* act)
      }
    })
    return { _tag: "Live", show }
  }
})
