/** Messages by gid, some of which the index has and some of which wait. */
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { EntryId } from "@parley/core/Ids"
import { fingerprint, GidIndex, provideFingerprint } from "../src/internal/log-index/GidIndex.ts"
import { migrate } from "../src/internal/schema.ts"
import { Statements } from "../src/internal/Statements.ts"

/** A database with one chat, its gids, and what adds a message to both. */
const opened = () => {
  const database = new DatabaseSync(":memory:")
  assert.isUndefined(migrate(database))
  database.exec(
    "INSERT INTO chats VALUES (1, 'c', '', 'group', 0, 0, NULL, NULL, '[]', '\"all\"', 0, NULL, 0, 1, '{}', 0)"
  )
  const db = new Statements(database)
  const gids = new GidIndex(db)
  gids.load()
  const add = (gid: string): EntryId => {
    const id = EntryId(
      db.insert("INSERT INTO log (chat, seq, posted, at, kind, gid) VALUES (1, 0, 0, 0, 'Posted', ?)", gid)
    )
    gids.add(gid, fingerprint(gid), id)
    return id
  }
  /** Indexes them, in a transaction that takes effect; answers how far the index is whole then. */
  const index = (newest: number, most: number, keep: number) => {
    const { mark, onCommitted } = gids.index(newest, most, keep)
    onCommitted()
    return mark
  }
  const indexed = () =>
    db
      .all<{ id: number }>("SELECT id FROM log_by_gid ORDER BY id")
      .map(({ id }) => id)
      .join()
  return { add, database, db, gids, index, indexed }
}

/** Gids whose fingerprints begin with that digit. */
const beginning = (digit: string, count: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let n = 0; found.length < count; n++) {
    if (fingerprint(`g${n}`).toString(16).padStart(11, "0").startsWith(digit)) found.push(`g${n}`)
  }
  return found
}

describe("a fingerprint", () => {
  // Stored in existing databases: another value would not find them.
  it("is of 44 bits, and the same in every version", () => {
    const table = [
      ["", 0xe3b0c44298f],
      ["a", 0xca978112ca1],
      ["54d2bd6c-8d3f-45ae-a5ef-4e2ed3d5b9d1", 0x459cd49a73f],
      ["字", 0xc55038b272b]
    ] as const
    for (const [gid, expected] of table) assert.strictEqual(fingerprint(gid), expected, gid)
  })

  it("is the same in SQL, whatever the text", () => {
    const database = new DatabaseSync(":memory:")
    provideFingerprint(database)
    for (const gid of ["", "a", "字", "a\u0000b", "\u{1f600}", "x".repeat(255)]) {
      const { one } = { ...database.prepare("SELECT fingerprint(?) AS one").get(gid) }
      assert.strictEqual(one, fingerprint(gid), JSON.stringify(gid))
    }
    database.close()
  })

  it("may be shared by another gid, whose message is not returned", () => {
    const { add, db, gids, index } = opened()
    const id = add("there")
    index(id, Infinity, 0)
    db.run("INSERT INTO log_by_gid VALUES (?, ?)", fingerprint("elsewhere"), id)
    assert.strictEqual(gids.find("there"), id)
    assert.strictEqual(gids.find("elsewhere"), undefined)
    index(add("elsewhere"), Infinity, 0)
    assert.strictEqual(gids.find("elsewhere"), EntryId(2))
  })
})

describe("the change buffer", () => {
  it("is written where most gids belong to the same slice", () => {
    const { add, gids, index, indexed } = opened()
    const [few, many] = [beginning("3", 2), beginning("b", 4)]
    for (const gid of [few[0], ...many.slice(0, 2), few[1], ...many.slice(2)]) add(gid ?? "")
    assert.deepStrictEqual([index(6, Infinity, 2), indexed(), gids.size], [0, "2,3,5,6", 2])
    assert.deepStrictEqual([index(6, Infinity, 2), indexed(), gids.size], [0, "2,3,5,6", 2])
    assert.deepStrictEqual([index(9, Infinity, 0), indexed(), gids.size], [9, "1,2,3,4,5,6", 0])
    for (const [n, gid] of [few[0], ...many.slice(0, 2)].entries()) assert.strictEqual(gids.find(gid ?? ""), n + 1)
  })

  it("is written in steps of the requested size, but not below the minimum", () => {
    const { add, gids, index } = opened()
    for (const gid of beginning("7", 5000)) add(gid)
    index(5000, 1, 0)
    assert.strictEqual(gids.size, 5000 - 2048)
    index(5000, 2500, 0)
    assert.strictEqual(gids.size, 5000 - 2048 - 2500)
    assert.strictEqual(index(5000, 1, 0), 5000)
  })

  it("keeps gids until the transaction that indexed them has committed", () => {
    const { add, database, gids, indexed } = opened()
    add("a")
    database.exec("BEGIN")
    gids.index(1, Infinity, 0)
    database.exec("ROLLBACK")
    assert.deepStrictEqual([indexed(), gids.size, gids.find("a")], ["", 1, EntryId(1)])
  })

  it("is loaded again on the next start, though the index has some of its gids", () => {
    const { add, db, index, indexed } = opened()
    const all = [...beginning("3", 1), ...beginning("b", 3)]
    for (const gid of all) add(gid)
    index(4, Infinity, 1)
    const next = new GidIndex(db)
    next.load()
    assert.strictEqual(next.size, 4)
    assert.deepStrictEqual(
      all.map((gid) => next.find(gid)),
      [1, 2, 3, 4].map(EntryId)
    )
    next.index(4, Infinity, 0)
    assert.strictEqual(indexed(), "1,2,3,4")
  })

  it("drops gids with their messages", () => {
    const { add, db, gids } = opened()
    for (let n = 1; n <= 40; n++) add(`g${n}`)
    db.run("DELETE FROM log WHERE id > 15")
    gids.truncate(15)
    assert.strictEqual(gids.size, 15)
    for (let n = 1; n <= 40; n++) assert.strictEqual(gids.find(`g${n}`), n <= 15 ? EntryId(n) : undefined)
  })

  it("holds gids with the same fingerprint", () => {
    const { database, db, gids, index } = opened()
    const insert = "INSERT INTO log (chat, seq, posted, at, kind, gid) VALUES (1, 0, 0, 0, 'Posted', ?)"
    for (const gid of ["a", "b", "c", "d"]) gids.add(gid, 77, EntryId(db.insert(insert, gid)))
    const all = () => ["a", "b", "c", "d"].map((gid): number | undefined => gids.find(gid, 77))
    assert.deepStrictEqual(all(), [1, 2, 3, 4])
    db.run("DELETE FROM log WHERE id > 3")
    gids.truncate(3)
    assert.deepStrictEqual(all(), [1, 2, 3, undefined])
    index(3, Infinity, 0)
    assert.deepStrictEqual([gids.size, ...all()], [0, 1, 2, 3, undefined])
    gids.add("d", 77, EntryId(db.insert(insert, "d")))
    assert.deepStrictEqual([gids.size, ...all()], [1, 1, 2, 3, 4])
    database.close()
  })
})
