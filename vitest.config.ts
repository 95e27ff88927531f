import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

// Node keeps compiled code here. Workers, and programs that tests start, then need half the CPU time to start.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/parley-tests", import.meta.url))

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
    env: mode === "full" ? { TEST_REPETITIONS: "full" } : {},
    // Test files share the process and the modules of their worker: loading Effect again costs more than most of them.
    isolate: false,
    // By default one less, which is one worker on a machine with two cores.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
}))
