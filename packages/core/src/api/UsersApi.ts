/** The engine's users, for who runs it. Users of a host's own directory are read here, and changed there. */
import * as Effect from "effect/Effect"
import { UserId } from "../model/Ids.ts"
import { refuse } from "../model/Refused.ts"
import { nameProblem } from "../commands/CommandHandler.ts"
import type { PresentUser, User, UserChange } from "../model/User.ts"
import type { UserDraft } from "../services/Users.ts"
import { userNamed, type UserRef } from "./References.ts"
import type { Works } from "./EngineServices.ts"

/** What can be changed of a user; what is absent stays. */
export type UserFacts = Pick<UserChange, "realname" | "avatar" | "role" | "dept" | "admin" | "organisation">

/** Every method rejects with a `ParleyError`. */
export class People {
  readonly #works: Works

  constructor(works: Works) {
    this.#works = works
  }

  async add(draft: UserDraft): Promise<User> {
    const [user] = await this.addAll([draft])
    return user as User
  }
  /** All of them, or none. */
  addAll(drafts: ReadonlyArray<UserDraft>): Promise<ReadonlyArray<User>> {
    return this.#works.run(this.#works.users.add(drafts))
  }
  /** The user, or undefined. */
  find(named: UserRef): Promise<User | undefined> {
    const found = userNamed(this.#works.engine.desk, named)
    return this.#works.run(
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
    const { users } = this.#works.engine.desk
    const wanted = [...new Set(ids)].map(UserId)
    return this.#works.run(
      Effect.gen(function* () {
        const { external } = users
        if (external === undefined) return new Map((yield* users.some(wanted)).map(({ id, account }) => [id, account]))
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
    return this.#works.run(this.#works.users.list)
  }
  /** Others are told of a new name. Users of a host's directory are changed by its own `change`. */
  change(named: UserRef, facts: UserFacts): Promise<User> {
    return this.#with(named, ({ engine, users }, { account }) => {
      const problem = facts.realname === undefined ? undefined : nameProblem(engine.desk, facts.realname, false)
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
    return this.#works.run(this.#works.users.invalidate(ids))
  }
  /** Logs the user out everywhere. */
  endSessions(named: UserRef): Promise<void> {
    return this.#with(named, ({ sessions }, { id }) => sessions.endAll(id))
  }

  #with<A, E>(named: UserRef, work: (works: Works, user: User) => Effect.Effect<A, E>): Promise<A> {
    return this.#works.run(Effect.flatMap(userNamed(this.#works.engine.desk, named), (user) => work(this.#works, user)))
  }
}
