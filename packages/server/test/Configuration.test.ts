import { assert, describe, it } from "@effect/vitest"
import * as Setting from "@parley/core/Settings"
import { Result } from "effect"
import { configure, declarations, type ConfigurationSources } from "../src/config/Configuration.ts"

const dialect = [
  Setting.choice("hisihi.auth", ["token", "open"], "token", "Who may call."),
  Setting.text("hisihi.masterKey", "", "The key of signatures."),
  Setting.boolean("hisihi.echo", false, "Whether it echoes.")
]

const given = (parts: Partial<ConfigurationSources>): ConfigurationSources => ({
  flags: {},
  environment: {},
  file: undefined,
  ...parts
})
const file = (content: unknown) => ({ name: "parley.json", content })

const configured = (parts: Partial<ConfigurationSources>) => Result.getOrThrow(configure(dialect, given(parts)))
const refused = (parts: Partial<ConfigurationSources>): string =>
  Result.match(configure(dialect, given(parts)), { onFailure: (line) => line, onSuccess: () => "no problem" })

describe("Configuration", () => {
  it("has the documented defaults", () => {
    const { serve, engine, dialects } = configured({})
    assert.deepStrictEqual(serve, {
      host: "127.0.0.1",
      port: 8080,
      tcpPort: 8081,
      metricsPort: undefined,
      trustedProxies: [],
      origins: [],
      visibility: "all",
      auditLog: "",
      database: { _tag: "Sqlite", file: "./data/parley.db" },
      bus: "",
      files: { _tag: "Folder", path: "./data/files" },
      demo: false
    })
    assert.deepStrictEqual(engine, Setting.defaultSettings)
    assert.deepStrictEqual(dialects, { "hisihi.auth": "token", "hisihi.masterKey": "", "hisihi.echo": false })
  })

  it("takes a bucket for files, whose prefix is a folder in it", () => {
    const environment = { PARLEY_S3_ACCESS_KEY_ID: "id", PARLEY_S3_SECRET_ACCESS_KEY: "key" }
    const { files } = configured({ flags: { files: "s3://my-bucket/chat" }, environment }).serve
    const keys = { accessKeyId: "id", secretAccessKey: "key" }
    const place = { bucket: "my-bucket", prefix: "chat/", endpoint: "", region: "us-east-1" }
    assert.deepStrictEqual(files, { _tag: "S3", ...place, ...keys })
  })

  it("takes a list of NATS servers with PostgreSQL", () => {
    const [database, bus] = ["postgres://me@there/db", "tls://me:secret@one:4222,two:4222"]
    assert.strictEqual(configured({ environment: { PARLEY_DATABASE: database, PARLEY_BUS: bus } }).serve.bus, bus)
  })

  const precedence: ReadonlyArray<readonly [string, Partial<ConfigurationSources>, number]> = [
    ["default", {}, 8080],
    ["file over default", { file: file({ port: 1 }) }, 1],
    ["environment over file", { file: file({ port: 1 }), environment: { PARLEY_PORT: "2" } }, 2],
    ["flag over environment", { file: file({ port: 1 }), environment: { PARLEY_PORT: "2" }, flags: { port: "3" } }, 3],
    ["flag over file", { file: file({ port: 1 }), flags: { port: "3" } }, 3],
    ["an empty variable is not set", { file: file({ port: 1 }), environment: { PARLEY_PORT: "" } }, 1]
  ]
  for (const [name, parts, port] of precedence) {
    it(`precedence: ${name}`, () => assert.strictEqual(configured(parts).serve.port, port))
  }

  it("reads nested, dotted and mixed keys of the file", () => {
    const { engine, dialects } = configured({
      file: file({ limits: { frame: 2048, sendBuffer: 65536 }, "session.idle": 60, hisihi: { auth: "open" } })
    })
    assert.strictEqual(engine.frame, 2048)
    assert.strictEqual(engine.sendBuffer, 65536)
    assert.strictEqual(engine.sessionIdle, 60)
    assert.strictEqual(dialects["hisihi.auth"], "open")
  })

  it("reads every declared setting from its environment variable and from the file", () => {
    for (const declaration of declarations(dialect)) {
      const text = String(declaration.default)
      if (declaration.key === "demo" || text === "") continue
      const environment = { [declaration.environment]: text }
      assert.isTrue(Result.isSuccess(configure(dialect, given({ environment }))), declaration.environment)
      const content = { [declaration.key]: declaration.default }
      assert.isTrue(Result.isSuccess(configure(dialect, given({ file: file(content) }))), declaration.key)
    }
    assert.strictEqual(configured({ environment: { PARLEY_LIMITS_SEND_BUFFER: "70000" } }).engine.sendBuffer, 70000)
    assert.strictEqual(configured({ environment: { PARLEY_HISIHI_MASTER_KEY: "k" } }).dialects["hisihi.masterKey"], "k")
  })

  it("has unique names", () => {
    const all = declarations(dialect)
    assert.strictEqual(new Set(all.map((declaration) => declaration.key)).size, all.length)
    assert.strictEqual(new Set(all.map((declaration) => declaration.environment)).size, all.length)
  })

  it("reads the forms of the server's own options", () => {
    assert.isUndefined(configured({ flags: { tcpPort: "off" } }).serve.tcpPort)
    assert.isUndefined(configured({ file: file({ tcpPort: "off" }) }).serve.tcpPort)
    assert.strictEqual(configured({ environment: { PARLEY_TCP_PORT: "0" } }).serve.tcpPort, 0)
    assert.deepStrictEqual(configured({ flags: { database: "memory:" } }).serve.database, { _tag: "Memory" })
    for (const url of [
      "postgres://me:secret@there/db",
      "postgresql://there:5433/db?sslmode=require",
      "postgres://me@one:5432,two:5433/db"
    ]) {
      assert.deepStrictEqual(configured({ flags: { database: url } }).serve.database, { _tag: "Postgres", url })
    }
    assert.isFalse(configured({ environment: { PARLEY_DEMO: "no" } }).serve.demo)
    assert.isTrue(configured({ file: file({ demo: true }) }).serve.demo)
  })

  it("reads trusted proxies as text, or as an array in the file", () => {
    const both = ["loopback", "10.0.0.0/8", "2001:db8::1"]
    for (const parts of [
      { flags: { trustedProxies: "loopback,10.0.0.0/8,2001:db8::1" } },
      { environment: { PARLEY_TRUSTED_PROXIES: " loopback, 10.0.0.0/8 ,2001:db8::1," } },
      { file: file({ trustedProxies: "loopback, 10.0.0.0/8, 2001:db8::1" }) },
      { file: file({ trustedProxies: both }) }
    ]) {
      assert.deepStrictEqual(configured(parts).serve.trustedProxies, both)
    }
    assert.deepStrictEqual(configured({ flags: { trustedProxies: "" } }).serve.trustedProxies, [])
    assert.deepStrictEqual(configured({ file: file({ trustedProxies: [] }) }).serve.trustedProxies, [])
  })

  const PROXIES =
    "must be addresses, ranges as in 10.0.0.0/8, loopback, linklocal or uniquelocal, separated by commas, not"

  const wrong: ReadonlyArray<readonly [Partial<ConfigurationSources>, string]> = [
    [{ flags: { port: "http" } }, '--port must be an integer from 0 to 65535, not "http"'],
    [{ flags: { tcpPort: "no" } }, '--tcp-port must be an integer from 0 to 65535, or off, not "no"'],
    [{ environment: { PARLEY_PORT: "70000" } }, 'PARLEY_PORT must be an integer from 0 to 65535, not "70000"'],
    [
      { environment: { PARLEY_LIMITS_FRAME: "1e6" } },
      'PARLEY_LIMITS_FRAME must be an integer from 1024 to 67108864, not "1e6"'
    ],
    [{ environment: { PARLEY_SESSIONS: "many" } }, 'PARLEY_SESSIONS must be single or multi, not "many"'],
    [{ environment: { PARLEY_SESSION_IDLE: "0" } }, 'PARLEY_SESSION_IDLE must be an integer from 1, not "0"'],
    [
      { file: file({ limits: { frame: "2048" } }) },
      'parley.json: limits.frame must be an integer from 1024 to 67108864, not "2048"'
    ],
    [{ file: file({ demo: "yes" }) }, 'parley.json: demo must be true or false, not "yes"'],
    [{ file: file({ sessions: null }) }, "parley.json: sessions must be single or multi, not null"],
    [{ file: file({ limits: { fram: 1 } }) }, 'parley.json: unknown key "limits.fram", did you mean limits.frame?'],
    [{ file: file({ colour: "red" }) }, 'parley.json: unknown key "colour"'],
    [{ file: file({ limits: 5 }) }, 'parley.json: unknown key "limits"'],
    [{ file: file({ limits: { frame: 2048 }, "limits.frame": 2048 }) }, "parley.json: limits.frame is given twice"],
    [{ file: file([1]) }, "parley.json: must hold one JSON object"],
    [{ flags: { trustedProxies: "loopback,10.0.0.0/99" } }, `--trusted-proxies ${PROXIES} "10.0.0.0/99"`],
    [{ environment: { PARLEY_TRUSTED_PROXIES: "nginx" } }, `PARLEY_TRUSTED_PROXIES ${PROXIES} "nginx"`],
    [{ environment: { PARLEY_TRUSTED_PROXIES: "0.0.0.0/0" } }, `PARLEY_TRUSTED_PROXIES ${PROXIES} "0.0.0.0/0"`],
    [{ file: file({ trustedProxies: ["::1", 5] }) }, `parley.json: trustedProxies ${PROXIES} 5`],
    [{ file: file({ trustedProxies: ["::1,::2"] }) }, `parley.json: trustedProxies ${PROXIES} "::1,::2"`],
    [{ file: file({ trustedProxies: null }) }, `parley.json: trustedProxies ${PROXIES} null`],
    [{ flags: { "limits.frames": "1" } }, '--set: unknown key "limits.frames", did you mean limits.frame?'],
    [{ flags: { "limits.frame": "1" } }, '--set limits.frame must be an integer from 1024 to 67108864, not "1"'],
    [
      { flags: { database: "mysql://me:secret@there/db" } },
      "database must be sqlite:<path>, postgres://<user>:<password>@<host>/<database> or memory:, not mysql:"
    ],
    [
      { flags: { database: "postgres://me:sec/ret@there:x/db" } },
      "database must be a valid URL: percent-encode special characters of the password"
    ],
    [
      { flags: { database: "data.db" } },
      "database must be sqlite:<path>, postgres://<user>:<password>@<host>/<database> or memory:"
    ],
    [{ flags: { files: "s3://No" } }, "files must be a folder or s3://<bucket>/<prefix>"],
    [
      { flags: { files: "s3://bucket", "s3.accessKeyId": "secret" } },
      "files in s3:// need s3.accessKeyId and s3.secretAccessKey, or PARLEY_S3_ACCESS_KEY_ID and PARLEY_S3_SECRET_ACCESS_KEY"
    ],
    [
      { flags: { "s3.endpoint": "127.0.0.1:9000" } },
      '--set s3.endpoint must be a URL without a path, such as http://127.0.0.1:9000, not "127.0.0.1:9000"'
    ],
    [
      { flags: { bus: "nats://me:secret@127.0.0.1:4222" } },
      "bus needs a database that several nodes share: postgres://…"
    ],
    ...["redis://me:secret@there", "nats://me:sec/ret@there:x", "127.0.0.1:4222"].map(
      (bus): [Partial<ConfigurationSources>, string] => [
        { flags: { bus } },
        "bus must be nats://<user>:<password>@<host>:<port> or tls://…, with the special characters of the password percent-encoded"
      ]
    )
  ]
  for (const [parts, line] of wrong) {
    it(`one line: ${line}`, () => assert.strictEqual(refused(parts), line))
  }
})
