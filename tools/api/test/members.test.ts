import { assert, it } from "vitest"
import { readMembers } from "../src/Members.ts"

it("each public member of the APIs for applications has a docstring", () => {
  const { count, undocumented } = readMembers()
  assert.isAbove(count, 300)
  assert.deepEqual(undocumented, [])
})
