export * as Blobs from "./Blobs.ts"
