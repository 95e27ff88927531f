/** Chat in a Node server: see `createParley`. */
export type { ServedDialect } from "./serve.ts"
export type { Address } from "./internal/http/listen.ts"
export type { UpgradeMiddleware } from "./internal/socket/upgradeMiddleware.ts"
export { createParley, Parley, type ParleyOptions } from "./createParley.ts"
export * from "@parley/core"
