/** Commands that one user asks for, as promises. */
import * as Effect from "effect/Effect"
import type { ChatView, Command, ReplyOf } from "../model/Command.ts"
import type { UserCaller } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import { type ChatInfo, chatInfo } from "./ChatInfo.ts"
import { userIds, userNamed, type UserRef } from "./References.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Commands that name users and answer a chat. */
type NamingUsers = Extract<
  Command,
  { readonly _tag: "AddMembers" | "RemoveMembers" | "ReviseGroup" | "SetAdmins" | "SetCommitters" }
>

export class UserApiBase {
  protected readonly services: EngineServices
  readonly #named: UserRef

  constructor(services: EngineServices, named: UserRef) {
    this.services = services
    this.#named = named
  }

  /** Our id of the user; rejected where there is none. */
  id(): Promise<UserId> {
    return this.with((_, user) => Effect.succeed(user))
  }

  protected with<A, E>(work: (services: EngineServices, user: UserId) => Effect.Effect<A, E>): Promise<A> {
    const { services } = this
    return services.run(Effect.flatMap(userNamed(services.engine.context, this.#named), ({ id }) => work(services, id)))
  }

  protected do<C extends Command, A>(command: C, answer: (reply: ReplyOf<C>) => A): Promise<A> {
    return this.with(({ engine }, user) => Effect.map(engine.perform(callerFor(user), command), answer))
  }

  protected change<C extends Command>(command: ReplyOf<C> extends ChatView ? C : never): Promise<ChatInfo> {
    return this.do(command, (view) => chatInfo(view as ChatView))
  }

  protected changeWith(
    users: ReadonlyArray<UserRef>,
    command: (ids: ReadonlyArray<UserId>) => NamingUsers
  ): Promise<ChatInfo> {
    return this.with(({ engine }, user) =>
      Effect.flatMap(userIds(engine.context, users), (ids) =>
        Effect.map(engine.perform(callerFor(user), command(ids)), (view) => chatInfo(view))
      )
    )
  }
}

export const callerFor = (user: UserId): UserCaller => ({ user, device: null })

export const asIs = <A>(reply: A): A => reply
