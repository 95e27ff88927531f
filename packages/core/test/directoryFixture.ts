/** An external user directory, a table that tests change, and an engine that reads it. */
import { Effect, Layer } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { type DirectoryUserChange, UserDirectory, type DirectoryUser } from "@parley/core/UserDirectory"
import * as Parley from "@parley/core/Parley"
import { Store } from "@parley/core/Store"
import { plainPasswords } from "./harness.ts"

/** Returns an external id. */
export const uuid = (account: string): string =>
  `${Buffer.from(account.padEnd(4, "-")).toString("hex")}-0000-4000-8000-000000000000`

export class DirectoryFixture {
  readonly table = new Map<string, DirectoryUser>()
  /** Operations, each with its number of keys. */
  readonly calls: Array<readonly [what: "find" | "findByAccount" | "list" | "change", many: number]> = []
  state: "works" | "fails" | "hangs" = "works"

  constructor(...accounts: ReadonlyArray<string>) {
    for (const account of accounts) this.set({ id: uuid(account), account })
  }

  set(user: DirectoryUser): void {
    this.table.set(user.id, user)
  }

  /** Changes facts of the user with this account. */
  alter(account: string, change: Partial<DirectoryUser>): void {
    const user = this.table.get(uuid(account))
    if (user !== undefined) this.set({ ...user, ...change })
  }

  ask<A>(what: (typeof this.calls)[number][0], many: number, answer: () => A): Effect.Effect<A, string> {
    return Effect.suspend(() => {
      this.calls.push([what, many])
      if (this.state === "hangs") return Effect.never
      return this.state === "fails" ? Effect.fail("their database is down") : Effect.sync(answer)
    })
  }

  readonly port = {
    find: (ids: ReadonlyArray<string>) =>
      this.ask("find", ids.length, () => ids.flatMap((id) => this.table.get(id) ?? [])),
    findByAccount: (accounts: ReadonlyArray<string>) =>
      this.ask("findByAccount", accounts.length, () =>
        [...this.table.values()].filter(({ account }) => accounts.includes(account))
      )
  } satisfies UserDirectory

  /** The same, with a list of all users, and changes. */
  readonly fullPort = {
    ...this.port,
    list: this.ask("list", 1, () => [...this.table.values()]),
    change: (id: string, change: DirectoryUserChange) =>
      this.ask("change", 1, () => {
        const user = this.table.get(id)
        if (user !== undefined) this.set({ ...user, ...change })
      })
  } satisfies UserDirectory
}

/** A separate engine on this store. */
export const engineOn = (store: Store["Service"]) =>
  Layer.fresh(Parley.layer).pipe(Layer.provideMerge(Layer.merge(Layer.succeed(Store, store), plainPasswords)))

export const withUsersOf =
  (directory: UserDirectory, store: Store["Service"] = MemoryStore.make()) =>
  <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>): Effect.Effect<A, E> =>
    test.pipe(Effect.provide(engineOn(store)), Effect.provideService(UserDirectory, directory))
