/** Wraps a shared store: while its node is fenced, all operations fail at once. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Bus } from "../ports/Bus.ts"
import { Fence, fenced, type FenceState, PassesFence } from "../ports/Fence.ts"
import { type StorageFailed, Store } from "../ports/Store.ts"

/** Members that serve no requests: the journal is for the link between nodes, and `check` for operators. */
const UNFENCED: ReadonlySet<string> = new Set(["journal", "check"])

type AnyOperation = Effect.Effect<unknown, StorageFailed>

const guard = (fence: FenceState, operation: string, effect: AnyOperation): AnyOperation =>
  Effect.suspend(() =>
    fence.isFenced
      ? Effect.flatMap(PassesFence, (passes) => (passes ? effect : Effect.fail(fenced(operation))))
      : effect
  )

/** Returns the store with guarded operations: effects, and functions that return them. */
const guarded = (store: Store["Service"], fence: FenceState): Store["Service"] => {
  const { appendMessage } = store
  const members = Object.entries(store).map(([name, member]: readonly [string, unknown]) => {
    if (UNFENCED.has(name)) return [name, member]
    if (typeof member !== "function") return [name, guard(fence, name, member as AnyOperation)]
    const operation = member as (...input: ReadonlyArray<unknown>) => AnyOperation
    return [name, (...input: ReadonlyArray<unknown>) => guard(fence, name, operation(...input))]
  })
  // A message of a fenced node falls back to its command, which is refused; the fast path has checked the fence.
  return { ...(Object.fromEntries(members) as Store["Service"]), ...(appendMessage !== undefined && { appendMessage }) }
}

/** Replaces the store of one of several nodes by a guarded one; that of a single node stays as it is. */
export const fenceStore: Layer.Layer<Store, never, Store | Bus | Fence> = Layer.effect(
  Store,
  Effect.gen(function* () {
    const store = yield* Store
    return (yield* Bus).maxBytes === 0 ? store : guarded(store, yield* Fence)
  })
)
