import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

// Node keeps compiled code here. Workers, and programs that tests start, then need half the CPU time to start.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/parley-tests", import.meta.url))

/** The files that take longest. One that starts last would run alone at the end. */
const LONG = [
  "packaging/test/Packages.test.ts",
  "bench/test/Quick.test.ts",
  "packages/conformance/test/mutants/",
  "packages/server/test/SurvivalUnderLoad.test.ts",
  "packages/client/test/Storm.test.ts",
  "packages/server/test/Stopping.test.ts",
  "packages/server/test/mutants/"
]

const isLong = ({ moduleId }: TestSpecification): boolean => LONG.some((path) => moduleId.includes(path))

/** Starts with the files that take longest. */
class LongFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

/** `npx pnpm test:full` has the mode "full". */
export default defineConfig(({ mode }) => ({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "examples/*/test/**/*.test.ts",
      "bench/test/**/*.test.ts",
      "packaging/test/**/*.test.ts",
      "prose/test/**/*.test.ts"
    ],
    setupFiles: ["scripts/fastCheck.ts"],
    env: mode === "full" ? { TEST_REPETITIONS: "full" } : {},
    // Test files share the process and the modules of their worker: loading Effect again costs more than most of them.
    isolate: false,
    // One more than cores, because many tests wait for timeouts, disks and other processes.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
}))
