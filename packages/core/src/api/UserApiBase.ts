/** Commands that one user asks for, as promises. */
import * as Effect from "effect/Effect"
import type { ChatView, Command, ReplyOf } from "../model/Command.ts"
import type { UserCaller } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import { type Conversation, conversation } from "./ChatInfo.ts"
import { userIds, userNamed, type UserRef } from "./References.ts"
import type { Works } from "./EngineServices.ts"

/** Commands that name users and answer a chat. */
type NamingUsers = Extract<
  Command,
  { readonly _tag: "AddMembers" | "RemoveMembers" | "ReviseGroup" | "SetAdmins" | "SetCommitters" }
>

export class Asker {
  protected readonly works: Works
  readonly #named: UserRef

  constructor(works: Works, named: UserRef) {
    this.works = works
    this.#named = named
  }

  /** Our id of the user; rejected where there is none. */
  id(): Promise<UserId> {
    return this.with((_, user) => Effect.succeed(user))
  }

  protected with<A, E>(work: (works: Works, user: UserId) => Effect.Effect<A, E>): Promise<A> {
    const { works } = this
    return works.run(Effect.flatMap(userNamed(works.engine.desk, this.#named), ({ id }) => work(works, id)))
  }

  protected do<C extends Command, A>(command: C, answer: (reply: ReplyOf<C>) => A): Promise<A> {
    return this.with(({ engine }, user) => Effect.map(engine.perform(callerFor(user), command), answer))
  }

  protected change<C extends Command>(command: ReplyOf<C> extends ChatView ? C : never): Promise<Conversation> {
    return this.do(command, (view) => conversation(view as ChatView))
  }

  protected changeWith(
    users: ReadonlyArray<UserRef>,
    command: (ids: ReadonlyArray<UserId>) => NamingUsers
  ): Promise<Conversation> {
    return this.with(({ engine }, user) =>
      Effect.flatMap(userIds(engine.desk, users), (ids) =>
        Effect.map(engine.perform(callerFor(user), command(ids)), (view) => conversation(view))
      )
    )
  }
}

export const callerFor = (user: UserId): UserCaller => ({ user, origin: null })

export const asIs = <A>(reply: A): A => reply
