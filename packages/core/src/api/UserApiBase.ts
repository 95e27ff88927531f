/** Commands of one user, as promises. */
import * as Effect from "effect/Effect"
import type { ChatView, Command, ReplyOf } from "../model/Command.ts"
import type { UserCaller } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import { type ChatInfo, chatInfo } from "./ChatInfo.ts"
import { type ChatRef, userIds, userNamed, type UserRef } from "./References.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Commands with user references that reply with a chat. */
type UsersCommand = Extract<
  Command,
  {
    readonly _tag:
      | "AddMembers"
      | "RemoveMembers"
      | "ReviseGroup"
      | "SetAdmins"
      | "PromoteMembers"
      | "SetSenders"
      | "SilenceMembers"
      | "BlockUsers"
  }
>

export class UserApiBase {
  protected readonly services: EngineServices
  readonly #reference: UserRef

  constructor(services: EngineServices, reference: UserRef) {
    this.services = services
    this.#reference = reference
  }

  /** Returns our id of the user; rejects if they do not exist. */
  id(): Promise<UserId> {
    return this.with((_, user) => Effect.succeed(user))
  }

  protected with<A, E>(work: (services: EngineServices, user: UserId) => Effect.Effect<A, E>): Promise<A> {
    const { services } = this
    return services.run(
      Effect.flatMap(userNamed(services.engine.context, this.#reference), ({ id }) => work(services, id))
    )
  }

  protected do<C extends Command, A>(command: C, convert: (reply: ReplyOf<C>) => A): Promise<A> {
    return this.with(({ engine }, user) => Effect.map(engine.perform(callerFor(user), command), convert))
  }

  protected change<C extends Command>(command: ReplyOf<C> extends ChatView ? C : never): Promise<ChatInfo> {
    return this.do(command, (view) => chatInfo(view as ChatView))
  }

  protected changeWith(
    chat: ChatRef,
    users: ReadonlyArray<UserRef>,
    command: (ids: ReadonlyArray<UserId>) => UsersCommand
  ): Promise<ChatInfo> {
    return this.with(({ engine }, user) =>
      Effect.flatMap(userIds(engine.context, users, { by: user, chat }), (ids) =>
        Effect.map(engine.perform(callerFor(user), command(ids)), (view) => chatInfo(view))
      )
    )
  }
}

export const callerFor = (user: UserId): UserCaller => ({ user, device: null })

export const asIs = <A>(reply: A): A => reply
