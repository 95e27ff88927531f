import { defineConfig } from "oxlint"
import { roomOverrides } from "./scripts/rooms.ts"

export default defineConfig({
  plugins: ["typescript", "import", "unicorn", "oxc", "vitest"],
  categories: { correctness: "error" },
  ignorePatterns: ["dist", "node_modules", "coverage"],
  rules: {
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/no-explicit-any": "error",
    "import/no-cycle": ["error", { ignoreTypes: false }],
    "require-yield": "off",
    "no-shadow-restricted-names": "off",
    "unicorn/no-thenable": "off",
    "unicorn/no-useless-fallback-in-spread": "off"
  },
  overrides: [
    ...roomOverrides,
    {
      files: ["packages/dialects/src/**"],
      rules: {
        "no-restricted-properties": [
          "error",
          { property: "answer", message: "A dialect sends nothing: it returns a Reply, which the session sends." },
          { property: "send", message: "A dialect sends nothing: it returns a Reply, which the session sends." },
          {
            object: "engine",
            property: "perform",
            message: "It broadcasts before the reply: run commands with the `run` of the request."
          }
        ]
      }
    },
    // Several clients share a WebSocket: it is a transport for their sessions.
    { files: ["packages/dialects/src/rtm/ClientConnections.ts"], rules: { "no-restricted-properties": "off" } }
  ]
})
