/** An engine by promises with three users, and what its results are compared by. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { type Code, createEngine, type EngineOptions, ParleyError } from "@parley/core"
import { assert } from "vitest"

export const opened = async (options: Partial<EngineOptions> = {}) => {
  const engine = await createEngine({ store: MemoryStore.layer, blobs: MemoryBlobs.layer, ...options })
  await engine.users.addAll(["ann", "ben", "cat"].map((account) => ({ account })))
  return engine
}

export const codeOf = async (work: Promise<unknown>): Promise<Code | undefined> => {
  try {
    await work
    return undefined
  } catch (error) {
    assert.instanceOf(error, ParleyError)
    assert.isAbove(error.message.length, 10)
    assert.notMatch(`${error.message} ${error.stack ?? ""}`, /Cause\(|Effect\.|FiberFailure/)
    return error.code
  }
}

/** Without the brands of ids. */
export const plain = (value: object | undefined): Readonly<Record<string, unknown>> => ({ ...value })

export const bytesOf = async (content: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
