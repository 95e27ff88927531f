/** The engine's users, for who runs it. Users of a host's own directory are read here, and changed there. */
import * as Effect from "effect/Effect"
import { UserId } from "../model/Ids.ts"
import { refuse } from "../model/Refused.ts"
import { nameProblem } from "../commands/CommandHandler.ts"
import type { PresentUser, User, UserChange } from "../model/User.ts"
import type { UserDraft } from "../services/Users.ts"
import { userNamed, type UserRef } from "./References.ts"
import type { EngineServices } from "./EngineServices.ts"

/** What can be changed of a user; what is absent stays. */
export type UserFacts = Pick<UserChange, "realname" | "avatar" | "role" | "dept" | "admin" | "organisation">

/** Every method rejects with a `ParleyError`. */
export class UsersApi {
  readonly #services: EngineServices

  constructor(services: EngineServices) {
    this.#services = services
  }

  async add(draft: UserDraft): Promise<User> {
    const [user] = await this.addAll([draft])
    return user as User
  }
  /** All of them, or none. */
  addAll(drafts: ReadonlyArray<UserDraft>): Promise<ReadonlyArray<User>> {
    return this.#services.run(this.#services.users.add(drafts))
  }
  /** The user, or undefined. */
  find(named: UserRef): Promise<User | undefined> {
    const found = userNamed(this.#services.engine.context, named)
    return this.#services.run(
      Effect.catchTag(found, "Refused", (refused) =>
        refused.reason._tag === "NoSuchUsers" ? Effect.undefined : Effect.fail(refused)
      )
    )
  }
  /**
   * What the host calls the users whom events, messages and chats name by our ids: its own ids where it has a directory,
   * accounts otherwise. `as` takes the same. Ids that are nobody's are left out.
   */
  externalIds(ids: Iterable<number>): Promise<ReadonlyMap<number, string>> {
    const { users } = this.#services.engine.context
    const wanted = [...new Set(ids)].map(UserId)
    return this.#services.run(
      Effect.gen(function* () {
        const { external } = users
        if (external === undefined)
          return new Map((yield* users.findMany(wanted)).map(({ id, account }) => [id, account]))
        const unknown = wanted.filter((id) => external.externalIdOf(id) === undefined)
        if (unknown.length > 0) yield* external.users(unknown)
        return new Map(
          wanted.flatMap((id) => {
            const name = external.externalIdOf(id)
            return name === undefined ? [] : [[id, name] as const]
          })
        )
      })
    )
  }
  /** Everybody, by id, with who is here. */
  list(): Promise<ReadonlyArray<PresentUser>> {
    return this.#services.run(this.#services.users.list)
  }
  /** Others are told of a new name. Users of a host's directory are changed by its own `change`. */
  change(named: UserRef, facts: UserFacts): Promise<User> {
    return this.#with(named, ({ engine, users }, { account }) => {
      const problem = facts.realname === undefined ? undefined : nameProblem(engine.context, facts.realname, false)
      return problem === undefined ? users.change(account, facts) : Effect.fail(refuse(problem))
    })
  }
  /** Ends the user's sessions. */
  setPassword(named: UserRef, password: string): Promise<User> {
    return this.#with(named, ({ users }, { account }) => users.setPassword(account, password))
  }
  /** A disabled user can do nothing; their sessions end, and their connections are closed. */
  setDisabled(named: UserRef, disabled: boolean): Promise<User> {
    return this.#with(named, ({ users }, { account }) => users.setDisabled(account, disabled))
  }
  /**
   * The host's directory has changed these users, by their ids there; all of them, where none is named. They are read
   * again, and those who are gone or disabled are logged out.
   */
  invalidate(ids?: ReadonlyArray<string>): Promise<void> {
    return this.#services.run(this.#services.users.invalidate(ids))
  }
  /** Logs the user out everywhere. */
  endSessions(named: UserRef): Promise<void> {
    return this.#with(named, ({ sessions }, { id }) => sessions.endAll(id))
  }

  #with<A, E>(named: UserRef, work: (services: EngineServices, user: User) => Effect.Effect<A, E>): Promise<A> {
    return this.#services.run(
      Effect.flatMap(userNamed(this.#services.engine.context, named), (user) => work(this.#services, user))
    )
  }
}
