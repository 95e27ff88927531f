import { ParleyError } from "@parley/core/ParleyError"
import * as PgNodes from "@parley/adapter-postgres/PgNodes"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { Layer } from "effect"
import { assert, describe, it } from "vitest"

const URL = "postgres://parley:secret@localhost/parley"

const INVALID: ReadonlyArray<readonly [unknown, (of: string) => string]> = [
  [undefined, (of) => `${of} must be an object with options, not undefined.`],
  [{}, () => "The option url must be a string, not undefined."],
  [{ url: 5432 }, () => "The option url must be a string, not 5432."],
  [{ url: URL, schema: "" }, () => 'The option schema must be a string that is not empty, not "".'],
  [{ url: URL, shema: "chat" }, (of) => `${of} has no shema; did you mean schema?`]
]

describe.each([
  ["PgStore.layer", PgStore.layer],
  ["PgNodes.layer", PgNodes.layer]
])("options of %s", (name, layer) => {
  it.each(INVALID)("%j is refused in one sentence, without the URL", (options, sentenceOf) => {
    let message = ""
    try {
      layer(options as PgStore.Options)
    } catch (error) {
      assert.instanceOf(error, ParleyError)
      message = error.message
    }
    assert.strictEqual(message, sentenceOf(name))
    assert.notInclude(message, "secret")
  })

  it("are accepted without a connection", () => {
    assert.isTrue(Layer.isLayer(layer({ url: URL, schema: "chat" })))
  })
})
