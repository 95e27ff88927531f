/** The linter refuses what the order of the rooms forbids, and nothing else. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { run } from "../../packaging/src/Processes.ts"
import config from "../../oxlint.config.ts"
import { orders } from "../rooms.ts"

const OXLINT = fileURLToPath(new URL("../../node_modules/oxlint/bin/oxlint", import.meta.url))
const place = mkdtempSync(join(tmpdir(), "parley-rooms-"))
afterAll(() => rmSync(place, { recursive: true, force: true }))

/** A module in a room; `name` where the room is a folder or a pattern of files. */
const moduleIn = (room: string, name: string): string =>
  room.endsWith("*.ts") ? room.replace("*", name) : room.endsWith(".ts") ? room : `${room}/${name}.ts`

const importing = (from: string, to: string): string => {
  const path = relative(dirname(from), to)
  return `import type * as Imported from "${path.startsWith(".") ? path : `./${path}`}"\nexport type { Imported }\n`
}

/** Files by path, and whether the linter has to refuse the import in each. */
const planted = new Map<string, { readonly text: string; readonly refused: boolean }>()
const plant = (name: string, at: number, other: number): void => {
  const order = orders[name] as ReadonlyArray<string>
  const [room, target] = [order[at] as string, order[other] as string]
  const file = moduleIn(room, `to${other}`)
  const imported = moduleIn(target, "Other")
  // Rooms of one file hold one import each.
  if (file === imported || planted.has(`packages/${name}/src/${file}`)) return
  planted.set(`packages/${name}/src/${file}`, { text: importing(file, imported), refused: at < other })
}

let refused: ReadonlySet<string> = new Set()

beforeAll(async () => {
  for (const [name, order] of Object.entries(orders)) {
    // The last room first, so that a room of one file is planted with an import that is refused.
    for (const at of order.keys()) for (const other of [...order.keys()].toReversed()) plant(name, at, other)
  }
  const src = "packages/dialects/src"
  planted.set(`${src}/ha/one.ts`, { text: importing("ha/one.ts", "spark/index.ts"), refused: true })
  planted.set(`${src}/ha/two.ts`, { text: importing("ha/two.ts", "_http/body.ts"), refused: false })
  planted.set(`${src}/_http/one.ts`, { text: importing("_http/one.ts", "ha/index.ts"), refused: true })
  planted.set("packages/core/src/model/ws.ts", {
    text: `import type { WebSocket } from "ws"\nexport type { WebSocket }\n`,
    refused: true
  })
  planted.set("packages/client/src/one.ts", { text: importing("one.ts", "two.ts"), refused: true })
  planted.set("packages/client/src/two.ts", { text: importing("two.ts", "one.ts"), refused: true })
  for (const [file, { text }] of planted) {
    mkdirSync(dirname(join(place, file)), { recursive: true })
    writeFileSync(join(place, file), text)
  }
  writeFileSync(join(place, ".oxlintrc.json"), JSON.stringify(config))
  const { out, err } = await run(process.execPath, [OXLINT, "--format=json"], { cwd: place })
  const { diagnostics } = JSON.parse(out === "" ? err : out) as {
    readonly diagnostics: ReadonlyArray<{ filename: string }>
  }
  refused = new Set(diagnostics.map(({ filename }) => filename))
})

describe("lint", () => {
  it("refuses each import from a later room, and each cycle, of types too", () => {
    const expected = [...planted].filter(([, { refused }]) => refused).map(([file]) => file)
    assert.isAbove(expected.length, 150)
    assert.deepEqual(
      expected.filter((file) => !refused.has(file)),
      []
    )
  })

  it("allows each import from an earlier room", () => {
    const expected = [...planted].filter(([, { refused }]) => !refused).map(([file]) => file)
    assert.isAbove(expected.length, 150)
    assert.deepEqual(
      expected.filter((file) => refused.has(file)),
      []
    )
  })
})
