/**
 * How the bridge is declared: a row for each operation says how each protocol does it and how each protocol sees it, or
 * why not. What a row does not say does not compile, so that no cell is silent.
 */
import { Effect, type Scope } from "effect"
import type { World } from "./context.ts"

export const protocols = ["xuanxuan", "spark", "hisihi", "ha", "youdu"] as const
export type Protocol = (typeof protocols)[number]

/** Why something cannot be said in a protocol, and what happens instead. */
export interface Reason {
  readonly letter: string
  readonly because: string
  readonly instead: string
  /** Shows what is claimed, on the running server. */
  readonly proof: (world: World["Service"]) => Effect.Effect<void, string, Scope.Scope>
}

/** What the steps of one cell need, and fail with. */
export type Step<A> = Effect.Effect<A, string, Scope.Scope>

/** Opens a chat, or answers who is to make one. */
export type Arena<A> = (world: World["Service"]) => Step<A>

/** Prepares in the chat what the deed needs, and answers the deed, which tells readers what was done. */
export type Send<A, D> = (world: World["Service"], arena: A) => Step<Step<D>>

/** Notes how things are before the deed, and answers how its effect is seen. */
export type Read<A, D> = (world: World["Service"], arena: A) => Step<(deed: D) => Step<void>>

/** For every protocol a way, or a reason. */
export type Each<W> = Readonly<Record<Protocol, W | Reason>>

export type Cell =
  | { readonly _tag: "Live"; readonly show: (world: World["Service"]) => Step<void> }
  | { readonly _tag: "Not"; readonly why: Reason }

export interface Row {
  readonly operation: string
  /** What is seen of it where it is live. */
  readonly description: string
  readonly cell: (sender: Protocol, reader: Protocol) => Cell
}

export interface Declaration<A, D> {
  readonly operation: string
  readonly description: string
  /** Chats in which both can see it, in each of which it is shown; or why there is none. */
  readonly arenas: (sender: Protocol, reader: Protocol) => ReadonlyArray<Arena<A>> | Reason
  readonly send: Each<Send<A, D>>
  readonly read: Each<Read<A, D>>
}

const isReason = <W extends object>(way: W | Reason): way is Reason => "letter" in way

/** Of several reasons it is told why the sender cannot, else why they do not meet, else why the reader cannot. */
export const row = <A, D>({ operation, description, arenas, send, read }: Declaration<A, D>): Row => ({
  operation,
  description,
  cell: (sender, reader) => {
    const acts = send[sender]
    if (isReason(acts)) return { _tag: "Not", why: acts }
    const places = arenas(sender, reader)
    if (isReason(places)) return { _tag: "Not", why: places }
    const watches = read[reader]
    if (isReason(watches)) return { _tag: "Not", why: watches }
    const show = Effect.fnUntraced(function* (world: World["Service"]) {
      for (const open of places) {
        const place = yield* open(world)
        const act = yield* acts(world, place)
        const seen = yield* watches(world, place)
        yield* seen(yield* act)
      }
    })
    return { _tag: "Live", show }
  }
})
