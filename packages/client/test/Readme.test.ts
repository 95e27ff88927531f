/** Runs the first program of the README unchanged. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folder, serve } from "../../server/test/serverProcess.ts"

const README_URL = "http://127.0.0.1:8080"

it.live("the first program of the README runs", () =>
  Effect.gen(function* () {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8")
    const [, program = ""] = /^```ts\n([\s\S]*?)^```$/m.exec(readme) ?? []
    assert.include(program, README_URL)
    const cwd = yield* folder
    const { http } = yield* serve(cwd, "--demo")
    const file = join(cwd, "readme.mts")
    const client = new URL("../src/index.ts", import.meta.url).href
    // The client keeps the process alive until it is closed.
    const closing = `${program}\nparley.close()\n`
    writeFileSync(file, closing.replace(README_URL, http).replace('"@parley/client"', JSON.stringify(client)))
    const out = yield* Effect.callback<string>((resume) => {
      execFile(process.execPath, [file], { cwd, timeout: 30_000 }, (error, stdout, stderr) =>
        resume(error === null ? Effect.succeed(stdout) : Effect.die(new Error(`${error.message}\n${stderr}`)))
      )
    })
    assert.match(out, /^stored at \d{4}-\d\d-\d\dT/m)
  }).pipe(Effect.scoped)
)
