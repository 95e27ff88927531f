import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "examples/*/test/**/*.test.ts",
      "bench/test/**/*.test.ts",
      "packaging/test/**/*.test.ts",
      "prose/test/**/*.test.ts"
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
