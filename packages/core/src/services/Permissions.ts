/** Explains permissions, with the rule that decides. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ChatRef } from "../model/Command.ts"
import { Engine } from "../engine/Engine.ts"
import type { UserId } from "../model/Ids.ts"
import { type Reason, type Refused, refuse } from "../model/Refused.ts"
import { type Operation, refusal } from "../rules/Operations.ts"
import type { StorageFailed } from "../ports/Store.ts"

/** Whether an operation is allowed, and otherwise the rule that refuses it. */
export interface Decision {
  /** Whether the operation is allowed. */
  readonly allowed: boolean
  /** Name of the refusing rule; absent if allowed. */
  readonly rule?: string
  /** Reason of the refusal; absent if allowed. */
  readonly reason?: Reason
}

/** Explains the decisions of the rules. */
export class Permissions extends Context.Service<
  Permissions,
  {
    /** Decides without running the operation. */
    readonly explain: (user: UserId, chat: ChatRef, operation: Operation) => Effect.Effect<Decision, Refused>
  }
>()("@parley/core/Permissions") {
  /** The service, on the engine of the same scope. */
  static readonly layer: Layer.Layer<Permissions, never, Engine> = Layer.effect(
    Permissions,
    Effect.map(Engine, ({ context }) =>
      Permissions.of({
        explain: Effect.fnUntraced(
          function* (
            id: UserId,
            ref: ChatRef,
            operation: Operation
          ): Effect.fn.Return<Decision, Refused | StorageFailed> {
            const user = yield* context.users.find(id)
            if (user === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
            const cached = yield* context.chats.find(ref)
            if (cached === undefined) {
              return { allowed: false, rule: "the chat does not exist", reason: { _tag: "NoSuchChat" } }
            }
            const facts = { user, chat: cached.chat, ...(yield* context.visibility.limits(user, cached.chat)) }
            const refused = refusal(operation, facts)
            return refused === undefined
              ? { allowed: true }
              : { allowed: false, rule: refused.rule.name, reason: refused.reason }
          },
          Effect.catchTag("StorageFailed", () => refuse({ _tag: "Unavailable" }))
        )
      })
    )
  )
}
