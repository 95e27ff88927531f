import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

// Node keeps compiled code here. Workers, and programs that tests start, then need half the CPU time to start.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/parley-tests", import.meta.url))

const TESTS = [
  "packages/*/test/**/*.test.ts",
  "examples/*/test/**/*.test.ts",
  "bench/test/**/*.test.ts",
  "chaos/test/**/*.test.ts",
  "simulation/test/**/*.test.ts",
  "packaging/test/**/*.test.ts",
  "prose/test/**/*.test.ts",
  "scripts/test/**/*.test.ts",
  "tools/*/test/**/*.test.ts"
]

/** Files about the memory or the handles of their own process, which they cannot share. */
const ALONE = [
  "packages/adapter-sql/test/SqliteStore.test.ts",
  "packages/core/test/Lifecycle.test.ts",
  "packages/dialects/test/xuanxuan/encode.test.ts"
]

/** The files that take longest, the longest first. One that starts last would run alone at the end. */
const LONG = [
  "packages/server/test/Bridge.test.ts",
  "packaging/test/Packages.test.ts",
  "bench/test/Quick.test.ts",
  "packages/conformance/test/mutants/",
  "packages/server/test/mutants/",
  "packages/server/test/Conformance.test.ts",
  "packages/adapter-node/test/ConnectionLaws.test.ts",
  "packages/adapter-sql/test/UnindexedTail.test.ts",
  "packages/server/test/Stopping.test.ts",
  "packages/server/test/CrashRecovery.test.ts",
  "packages/server/test/CrashRecoveryUnderLoad.test.ts",
  "packages/adapter-postgres/test/",
  "packages/conformance/test/kit.test.ts",
  "packages/server/test/EventLoop.test.ts",
  "packages/server/test/PermissionAlgebra.test.ts",
  "packages/server/test/LinkScript.test.ts",
  "packages/server/test/Chat.test.ts",
  "packages/client/test/FaultyNetwork.test.ts",
  "chaos/test/Chaos.test.ts",
  "tools/api/test/pages.test.ts"
]

for (const path of [...ALONE, ...LONG]) {
  if (!existsSync(new URL(path, import.meta.url))) throw new Error(`vitest.config.ts: there is no ${path}`)
}

/** Position of a file in one of the lists. */
const indexIn = (paths: ReadonlyArray<string>, { moduleId }: TestSpecification): number =>
  paths.findIndex((path) => moduleId.includes(path))

/** Starts with the files that are alone, since between others they would end a shared worker, and with those that take longest. */
class LongFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const rank = (file: TestSpecification): number => {
      if (indexIn(ALONE, file) >= 0) return 0
      const index = indexIn(LONG, file)
      return index < 0 ? LONG.length + 1 : index + 1
    }
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}

/** `npx pnpm test:full` has the mode "full". */
export default defineConfig(({ mode }) => ({
  test: {
    projects: [
      // Test files share the process and the modules of their worker: loading Effect again costs more than most of them.
      { extends: true, test: { name: "shared", include: TESTS, exclude: ALONE, isolate: false } },
      { extends: true, test: { name: "alone", include: ALONE } }
    ],
    setupFiles: ["scripts/fastCheck.ts"],
    globalSetup: ["scripts/postgres/setup.ts"],
    env: mode === "full" ? { TEST_REPETITIONS: "full" } : {},
    // More than cores, because many tests wait for timeouts, disks and other processes; the quick run has more of those.
    maxWorkers: availableParallelism() + (mode === "full" ? 1 : 2),
    sequence: { sequencer: LongFirst },
    testTimeout: 180_000,
    hookTimeout: 180_000
  }
}))
