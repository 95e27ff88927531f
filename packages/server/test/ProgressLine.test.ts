import { assert, describe, it } from "@effect/vitest"
import { makeProgressLine } from "../src/terminal/ProgressLine.ts"

const reported = (isTTY: boolean, reports: ReadonlyArray<readonly [at: number, done: number]>, total = 200): string => {
  let written = ""
  let now = 0
  const output = { isTTY, write: (text: string) => (written += text) }
  const { end, report } = makeProgressLine(output, () => now)
  for (const [at, done] of reports) {
    now = at
    report(done, total)
  }
  end()
  return written
}

const steady = Array.from({ length: 200 }, (_, n) => [n * 100, n + 1] as const)

describe("the progress of a command", () => {
  it("is one line for every 10 % without a terminal", () => {
    const lines = reported(false, steady).trimEnd().split("\n")
    assert.strictEqual(lines.length, 11)
    assert.strictEqual(lines[1], "20 of 200 (10 %)")
    assert.strictEqual(lines.at(-1), "200 of 200 (100 %)")
  })

  it("is one changing line on a terminal, cleared at the end", () => {
    const text = reported(true, steady)
    assert.notInclude(text, "\n")
    assert.include(text, "\r\u001B[K50 of 200 (25 %)")
    assert.isTrue(text.endsWith("\r\u001B[K"))
  })

  it("is not shown for a single step", () => {
    for (const isTTY of [true, false]) assert.strictEqual(reported(isTTY, [[5000, 1]], 1), "")
  })

  it("is not shown within the first second", () => {
    for (const isTTY of [true, false]) assert.strictEqual(reported(isTTY, [[900, 150]]), "")
  })
})
