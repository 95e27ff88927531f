/**
 * The conformance set of every protocol, played through the mount of each example: the program itself is started. In the
 * quick run the examples share the set.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { compiled } from "../../../examples/nest/test/compiled.ts"
import { isFull, share } from "../../../scripts/repetitions.ts"
import { audits, lines, type Options, protocols, run } from "../../conformance/src/index.ts"

type Way = Pick<Options, "protocol" | "wire">

const ways: ReadonlyArray<readonly [name: string, way: Way]> = [
  ...protocols().map((protocol): readonly [string, Way] => [protocol, { protocol }]),
  ["xuanxuan as clients of 1.0 speak it", { protocol: "xuanxuan", wire: "client-1.0" }]
]

/** Checks that do not apply to this mount are not failures. */
const FINE: ReadonlySet<string> = new Set(["pass", "pass-lenient", "not-applicable"])

interface Example {
  readonly http: string
  readonly tcp: string
  readonly stop: () => Promise<void>
}

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url))

/** The scenarios that are played through the mount of an example. */
const scenariosOf = (name: string, way: Way): Partial<Options> => {
  if (isFull) return {}
  const nowhere = { http: "http://127.0.0.1:1", ws: "ws://127.0.0.1:1", tcp: "tcp://127.0.0.1:1" }
  const all = audits({ ...way, target: nowhere, profile: "all" }).map(({ id }) => id)
  const examples = readdirSync(EXAMPLES)
  return { only: share(all, examples.length, examples.indexOf(name)) }
}

const PRELOAD = fileURLToPath(new URL("./everything.mjs", import.meta.url))
const fileOf = (name: string): string =>
  name === "nest" ? fileURLToPath(compiled("mount")) : join(EXAMPLES, name, "src/server.ts")

const start = async (name: string): Promise<Example> => {
  const data = mkdtempSync(join(tmpdir(), "parley-mount-"))
  const environment = { ...process.env, PORT: "0", DATA: data }
  const program = spawn(process.execPath, ["--import", PRELOAD, fileOf(name)], { env: environment })
  const ended = new Promise<void>((resolve) => program.once("close", () => resolve()))
  const [tcp, port] = await new Promise<ReadonlyArray<string>>((resolve, reject) => {
    let out = ""
    const heard = (chunk: Buffer): void => {
      out += chunk.toString()
      const found = /(tcp:\S+)[^]*ready .*port: (\d+)/.exec(out)
      if (found !== null) resolve(found.slice(1))
    }
    program.stdout.on("data", heard)
    program.stderr.on("data", heard)
    program.once("exit", () => reject(new Error(`${name} ended: ${out}`)))
  })
  const stop = async (): Promise<void> => {
    program.kill("SIGKILL")
    await ended
    rmSync(data, { recursive: true, force: true })
  }
  return { http: `http://127.0.0.1:${port}`, tcp: tcp ?? "", stop }
}

/** Declares the tests of one example, whose conversations are at this path. */
export const conforms = (name: string, path: string): void => {
  describe(`through the mount of the example ${name}`, () => {
    let example: Example | undefined
    beforeAll(async () => {
      example = await start(name)
    })
    afterAll(() => example?.stop())

    it.each(ways)("%s", { timeout: 120_000 }, async (_, way) => {
      const { http: server, tcp } = example ?? { http: "", tcp: "" }
      const http = server + path
      const ws = `${http.replace("http:", "ws:")}/ws`
      const report = await run({ ...way, ...scenariosOf(name, way), target: { http, ws, tcp }, profile: "all" })
      assert.isAbove(report.scenarios.length, isFull ? 3 : 0)
      const failed = report.scenarios.filter(({ verdict }) => !FINE.has(verdict))
      assert.deepStrictEqual(
        failed.map(({ id }) => id),
        [],
        failed
          .flatMap((result) => lines(result))
          .join("\n")
          .slice(0, 4000)
      )
    })
  })
}
