/** `parley` on the PATH, installed by the documented command. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const ROOT = fileURLToPath(new URL("../../../", import.meta.url))

describe.skipIf(process.platform === "win32")("npx pnpm run link", () => {
  it("is documented, and puts parley on the PATH", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>
    }
    const [npm = "", ...args] = (scripts["link"] ?? "").split(" ")
    for (const page of ["README.md", "docs/operating.md"]) {
      assert.include(readFileSync(join(ROOT, page), "utf8"), "npx pnpm run link", page)
    }
    const prefix = mkdtempSync(join(tmpdir(), "parley-link-"))
    try {
      execFileSync(npm, [...args, "--offline", "--prefix", prefix], { cwd: ROOT, stdio: "pipe" })
      const environment = { ...process.env, PATH: `${join(prefix, "bin")}:${process.env["PATH"] ?? ""}` }
      const run = (...given: ReadonlyArray<string>) =>
        spawnSync("parley", given, { cwd: prefix, env: environment, encoding: "utf8" })
      assert.match(run("--version").stdout, /\d+\.\d+\.\d+/)
      // It runs in the caller's folder, and returns the program's exit code.
      const listed = run("user", "list")
      assert.strictEqual(listed.status, 1)
      assert.include(listed.stderr, join("data", "parley.db"))
      // If the machine's Node cannot run TypeScript, the workspace's own runs the program.
      const old = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.0.0"})`
      const launcher = join(ROOT, "packages/server/bin/parley.mjs")
      const onOld = (...given: ReadonlyArray<string>) =>
        spawnSync(process.execPath, ["--import", old, launcher, ...given], { cwd: prefix, encoding: "utf8" })
      assert.match(onOld("--version").stdout, /\d+\.\d+\.\d+/)
      assert.strictEqual(onOld("user", "list").status, 1)
    } finally {
      rmSync(prefix, { recursive: true, force: true })
    }
  })
})
