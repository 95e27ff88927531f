/** Options may be objects of the host's own classes, whose methods use `this`. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import {
  createEngine,
  type DirectoryOption,
  type DirectoryUserChange,
  type DirectoryUser,
  type HookedCommand,
  type HooksOption
} from "@parley/core"
import { assert, describe, it } from "vitest"

class Table implements DirectoryOption {
  readonly ttl = 30
  readonly #rows = new Map<string, DirectoryUser>([["u-1", { id: "u-1", account: "ann" }]])

  find(ids: ReadonlyArray<string>): ReadonlyArray<DirectoryUser> {
    return ids.flatMap((id) => this.#rows.get(id) ?? [])
  }
  async findByAccount(accounts: ReadonlyArray<string>): Promise<ReadonlyArray<DirectoryUser>> {
    return this.list().filter(({ account }) => accounts.includes(account))
  }
  list(): ReadonlyArray<DirectoryUser> {
    return [...this.#rows.values()]
  }
  change(id: string, change: DirectoryUserChange): void {
    const row = this.#rows.get(id)
    if (row !== undefined) this.#rows.set(id, { ...row, ...change })
  }
}

class Rules implements HooksOption {
  readonly requested: Array<string> = []
  readonly told: Array<string> = []

  before({ _tag }: HookedCommand): void {
    this.requested.push(_tag)
  }
  after({ _tag }: HookedCommand): void {
    this.told.push(_tag)
  }
}

describe("an object of a class", () => {
  it("can be a directory", async () => {
    await using engine = await createEngine({ store: MemoryStore.layer, directory: new Table() })
    assert.strictEqual((await engine.users.find("u-1"))?.account, "ann")
    assert.deepStrictEqual(
      (await engine.users.list()).map(({ account }) => account),
      ["ann"]
    )
    assert.strictEqual((await engine.as("u-1").changeName("Ann")).realname, "Ann")
    await engine.users.invalidate()
    assert.strictEqual((await engine.users.find("u-1"))?.realname, "Ann")
  })

  it("can contain hooks", async () => {
    const hooks = new Rules()
    const engine = await createEngine({ store: MemoryStore.layer, hooks })
    await engine.users.add({ account: "ann" })
    await engine.as("ann").createGroup({ name: "Team" })
    // Closing waits for pending notifications.
    await engine.close()
    assert.deepStrictEqual(hooks.requested, ["AddUsers", "CreateChat"])
    assert.deepStrictEqual(hooks.told, ["AddUsers", "CreateChat"])
  })
})
