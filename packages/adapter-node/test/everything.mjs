/** Imported before an example: its `createParley` then serves the demo users by every protocol, where it is mounted. */
import { registerHooks } from "node:module"

const substitute = new URL("./fullServer.ts", import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "@parley/adapter-node" && context.parentURL?.includes("/examples/")
      ? { url: substitute, format: "module-typescript", shortCircuit: true }
      : next(specifier, context)
})
