/** The engine's users, for its operator. Users of a host's own directory are read here, and changed there. */
import * as Effect from "effect/Effect"
import { UserId } from "../model/Ids.ts"
import { refuse } from "../model/Refused.ts"
import { nameProblem } from "../commands/CommandHandler.ts"
import type { PresentUser, User, UserChange } from "../model/User.ts"
import type { UserDraft } from "../services/Users.ts"
import { usersApiParameters } from "./ArgumentChecks.ts"
import { checkArguments } from "./Check.ts"
import { userNamed, type UserRef } from "./References.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Facts of a user that can be changed; absent fields are unchanged. */
export type UserFacts = Pick<UserChange, "realname" | "avatar" | "role" | "dept" | "admin" | "organisation">

/** Every method rejects with a `ParleyError`. */
export class UsersApi {
  readonly #services: EngineServices

  constructor(services: EngineServices) {
    this.#services = services
  }

  /**
   * Adds a user of the engine's own. `AccountTaken` for a used account, `Invalid` for an account or password against
   * the rules.
   */
  async add(draft: UserDraft): Promise<User> {
    const [user] = await this.addAll([draft])
    return user as User
  }
  /** Adds all users, or none. */
  addAll(drafts: ReadonlyArray<UserDraft>): Promise<ReadonlyArray<User>> {
    return this.#services.run(this.#services.users.add(drafts))
  }
  /** Returns the user, or undefined. */
  find(reference: UserRef): Promise<User | undefined> {
    const found = userNamed(this.#services.engine.context, reference)
    return this.#services.run(
      Effect.catchTag(found, "Refused", (refused) =>
        refused.reason._tag === "NoSuchUsers" ? Effect.undefined : Effect.fail(refused)
      )
    )
  }
  /**
   * Maps our ids, as in events, messages and chats, to the host's: external ids if the host has a directory, accounts
   * otherwise. `as` accepts the same. Unknown ids are left out.
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
  /** Returns all users, by id, with their status. */
  list(): Promise<ReadonlyArray<PresentUser>> {
    return this.#services.run(this.#services.users.list)
  }
  /** Changes a user, and notifies others of a new name. Users of a host's directory are changed by its own `change`. */
  change(reference: UserRef, facts: UserFacts): Promise<User> {
    return this.#with(reference, ({ engine, users }, { account }) => {
      const problem = facts.realname === undefined ? undefined : nameProblem(engine.context, facts.realname, false)
      return problem === undefined ? users.change(account, facts) : Effect.fail(refuse(problem))
    })
  }
  /** Ends the user's sessions. */
  setPassword(reference: UserRef, password: string): Promise<User> {
    return this.#with(reference, ({ users }, { account }) => users.setPassword(account, password))
  }
  /** Disables or enables a user. Disabling ends their sessions, and closes their connections. */
  setDisabled(reference: UserRef, disabled: boolean): Promise<User> {
    return this.#with(reference, ({ users }, { account }) => users.setDisabled(account, disabled))
  }
  /**
   * Invalidates users that the host's directory has changed, by external id, or all users. They are loaded again, and
   * removed or disabled ones are logged out.
   */
  invalidate(ids?: ReadonlyArray<string>): Promise<void> {
    return this.#services.run(this.#services.users.invalidate(ids))
  }
  /** Logs the user out everywhere. */
  endSessions(reference: UserRef): Promise<void> {
    return this.#with(reference, ({ sessions }, { id }) => sessions.endAll(id))
  }

  #with<A, E>(reference: UserRef, work: (services: EngineServices, user: User) => Effect.Effect<A, E>): Promise<A> {
    return this.#services.run(
      Effect.flatMap(userNamed(this.#services.engine.context, reference), (user) => work(this.#services, user))
    )
  }
}

checkArguments(UsersApi, usersApiParameters)
