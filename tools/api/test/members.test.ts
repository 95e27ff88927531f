import { assert, it } from "vitest"
import { packages } from "../src/Entries.ts"
import { readMembers } from "../src/Members.ts"

/** Minimum number of members, so that a package does not pass without any. */
const LEAST: Readonly<Record<string, number>> = {
  "@parley/core": 1000,
  "@parley/client": 150,
  "@parley/conformance": 40,
  "@parley/adapter-node": 30
}

it("each member of an exported class, interface or object type of every package has a docstring", () => {
  const { counts, undocumented } = readMembers()
  assert.deepEqual(
    [...counts.keys()],
    packages.map(({ name }) => name)
  )
  for (const [name, count] of counts) assert.isAtLeast(count, LEAST[name] ?? 1, name)
  assert.deepEqual(undocumented, [])
})
