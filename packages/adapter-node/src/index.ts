/** Conversations in a Node server: see `createParley`. The parts that it is made of are the modules beside this one. */
export type { ServedDialect } from "./Hosting.ts"
export type { Address } from "./Listening.ts"
export { createParley, Parley, type ParleyOptions } from "./Parley.ts"
export * from "@parley/core"
